"""A real nginx and a real HAProxy in front, configured as the how-to guides say.

Runs in: cli
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.client import Endpoint, RawClient
from tests.kit.proxies import Proxy, blocks, replaced, text_of
from tests.kit.tls import Authority

Front = Callable[[str, str], Proxy]


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    """Starts proxies; each is stopped at the end and must not have complained."""
    started: list[Proxy] = []

    def start(kind: str, text: str) -> Proxy:
        started.append(Proxy(kind, tmp_path, text))
        return started[-1]

    yield start
    complaints = [proxy.stop() for proxy in started]
    assert not any(complaints), complaints


def serve(start_server: Starter, page: str, index: int, changes: dict[str, str]) -> Endpoint:
    """A server with the guide's config file."""
    config = replaced(blocks(page, "python")[index], changes)
    server = start_server("worker_plain:app", config=config, listens="bind" not in config)
    return server.endpoint


def environ(client: RawClient) -> dict[str, str]:
    """What the application sees of a request that a client makes with fields it has made up."""
    made_up = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "https")]
    answer = client.request("GET", "/environ", made_up)
    assert answer.status == 200
    return dict(line.split("=", 1) for line in answer.text.splitlines())


def test_nginx_over_a_unix_socket_as_the_guide_says(
    start_server: Starter, front: Front, tmp_path: Path
) -> None:
    socket_path = {"/run/shop/fastfork.sock": str(tmp_path / "app")}
    serve(start_server, "behind-nginx.md", 0, socket_path)
    proxy = front("nginx", replaced(blocks("behind-nginx.md", "nginx")[0], socket_path))
    with RawClient(proxy.front, timeout=10.0) as client:
        for _ in range(3):
            seen = environ(client)
            assert seen["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"  # nginx's word, not the client's
            assert seen["HTTP_X_FORWARDED_PROTO"] == "http"
            assert (seen["REMOTE_ADDR"], "REMOTE_PORT" in seen) == ("127.0.0.1", False)
            assert seen["wsgi.url_scheme"] == "http"
            assert seen["SERVER_PROTOCOL"] == "HTTP/1.1"


@pytest.mark.parametrize("kind", ["nginx-stream", "haproxy"])
def test_proxy_protocol_names_the_client_as_the_guide_says(
    start_server: Starter, front: Front, kind: str
) -> None:
    page = "behind-haproxy.md" if kind == "haproxy" else "behind-nginx.md"
    backend = serve(start_server, page, 1, {"127.0.0.1:8000": "127.0.0.1:0"})
    text = blocks(page, "haproxy" if kind == "haproxy" else "nginx")[1]
    proxy = front(kind, replaced(text, {"127.0.0.1:8000": text_of(backend)}))
    for _ in range(2):
        with RawClient(proxy.front, timeout=10.0) as client:
            for _ in range(3):  # on one connection
                seen = environ(client)
                host, port = client.sock.getsockname()
                assert (seen["REMOTE_ADDR"], seen["REMOTE_PORT"]) == (host, str(port))
                assert seen["PROXY_PROTOCOL"] == "TCP4"
                assert (seen["PROXY_ADDR"], seen["PROXY_PORT"]) == (
                    proxy.front[0], str(proxy.front[1]),
                )  # fmt: skip


@pytest.mark.parametrize("how", ["send-proxy", "send-proxy-v2-ssl", "send-proxy-v2"])
def test_haproxy_sends_every_form_of_it_over_a_unix_socket(
    start_server: Starter, front: Front, tmp_path: Path, how: str
) -> None:
    config = f"bind = 'unix:{tmp_path}/app'\nproxy_protocol = 'auto'\n"
    start_server("worker_plain:app", config=config, listens=False)
    text = replaced(
        blocks("behind-haproxy.md", "haproxy")[1],
        {"127.0.0.1:8000": f"unix@{tmp_path}/app", "send-proxy-v2": how},
    )
    proxy = front("haproxy", text)
    with RawClient(proxy.front, timeout=10.0) as client:
        for _ in range(2):
            seen = environ(client)
            assert seen["REMOTE_ADDR"] == "127.0.0.1"
            assert seen["REMOTE_PORT"] == str(client.sock.getsockname()[1])
            assert seen["SERVER_PORT"] == str(proxy.front[1])


def test_haproxys_tlvs_are_kept_for_every_request(start_server: Starter, front: Front) -> None:
    page = "behind-haproxy.md"
    backend = serve(start_server, page, 1, {"127.0.0.1:8000": "127.0.0.1:0"})
    text = replaced(
        blocks(page, "haproxy")[1],
        {"127.0.0.1:8000 send-proxy-v2":
            f"{text_of(backend)} send-proxy-v2 proxy-v2-options unique-id",
         "mode tcp\n    bind": "mode tcp\n    unique-id-format shop-%pid\n    bind"},
    )  # fmt: skip
    proxy = front("haproxy", text)
    with RawClient(proxy.front, timeout=10.0) as client:
        for _ in range(3):
            tlvs = dict(ast.literal_eval(environ(client)["fastfork.proxy_tlvs"]))
            assert tlvs[5].startswith(b"shop-")  # PP2_TYPE_UNIQUE_ID


def test_haproxy_spreads_requests_over_two_servers_and_names_the_client(
    start_server: Starter, front: Front
) -> None:
    page = "behind-haproxy.md"
    one, two = (text_of(serve(start_server, page, 0, {})) for _ in range(2))
    text = replaced(
        blocks(page, "haproxy")[0],
        {"127.0.0.1:8001": one, "127.0.0.1:8002": two, "httpchk GET /": "httpchk GET /pid"},
    )
    proxy = front("haproxy", text)
    servers = set()
    with RawClient(proxy.front, timeout=10.0) as client:
        for _ in range(20):
            seen = environ(client)
            servers.add(seen["SERVER_PORT"])
            assert (seen["REMOTE_ADDR"], "REMOTE_PORT" in seen) == ("127.0.0.1", False)
            assert (seen["HTTP_X_FORWARDED_PROTO"], seen["wsgi.url_scheme"]) == ("http", "http")
    assert servers == {one.rsplit(":")[-1], two.rsplit(":")[-1]}


@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
def test_way_to_the_server_has_tls_as_the_guide_says(
    start_server: Starter, front: Front, authority: Authority, kind: str
) -> None:
    page = f"behind-{kind}.md"
    pair = authority.issue("upstream")
    files = {
        "127.0.0.1:8443": "127.0.0.1:0",
        "/etc/ssl/shop/fullchain.pem": str(pair.certificate),
        "/etc/ssl/shop/privkey.pem": str(pair.key),
    }
    backend = serve(start_server, page, 2, files)
    changes = {"127.0.0.1:8443": text_of(backend), "/etc/ssl/shop/ca.pem": str(authority.path)}
    proxy = front(kind, replaced(blocks(page, kind)[2], changes))
    large = bytes(range(256)) * 2048
    for _ in range(2):
        with RawClient(proxy.front, timeout=10.0) as client:
            for _ in range(3):
                seen = environ(client)
                assert seen["SSL_PROTOCOL"].startswith("TLSv1.")
                assert seen["REMOTE_ADDR"] == "127.0.0.1"
                if kind == "haproxy":
                    assert seen["REMOTE_PORT"] == str(client.sock.getsockname()[1])
                answer = client.request("POST", "/echo", body=large)
                assert answer.text == f"{len(large)} {hashlib.sha256(large).hexdigest()}"


def test_proxy_does_not_speak_to_a_server_that_its_authority_does_not_know(
    start_server: Starter, front: Front, authority: Authority, tmp_path: Path
) -> None:
    """Or the test before would pass without any verification."""
    (tmp_path / "others").mkdir()
    other = Authority(tmp_path / "others")
    pair = authority.issue("upstream")
    config = f"certfile = {str(pair.certificate)!r}\nkeyfile = {str(pair.key)!r}\n"
    backend = start_server("worker_plain:app", config=config).endpoint
    changes = {"127.0.0.1:8443": text_of(backend), "/etc/ssl/shop/ca.pem": str(other.path)}
    text = replaced(blocks("behind-haproxy.md", "haproxy")[2], changes)
    text = replaced(text, {"send-proxy-v2 ": "", "check check-ssl check-send-proxy inter 1s": ""})
    with RawClient(front("haproxy", text).front, timeout=10.0) as client:
        assert client.request("GET", "/hello").status == 503
