"""The client's own TLS with a real HAProxy in front that knows nothing of HTTP: it passes it on
to us, or ends it and says so.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.client import RawClient
from tests.kit.proxies import Proxy, blocks, replaced, text_of
from tests.kit.tls import Authority, TlsClient

PAGE = "behind-haproxy.md"
PROXY_PROTOCOL = 1  # which of the page's blocks


@pytest.fixture
def proxies() -> Iterator[list[Proxy]]:
    started: list[Proxy] = []
    yield started
    complaints = [proxy.stop() for proxy in started]
    assert not any(complaints), complaints


def front(
    start_server: Starter, files: Path, *options: str, changes: dict[str, str] | None = None
) -> Proxy:
    """HAProxy before a server, as the guide says."""
    config = replaced(blocks(PAGE, "python")[PROXY_PROTOCOL], {"127.0.0.1:8000": "127.0.0.1:0"})
    server = start_server("worker_plain:app", *options, config=config, listens=False)
    text = replaced(blocks(PAGE, "haproxy")[PROXY_PROTOCOL], changes or {})
    return Proxy("haproxy", files, replaced(text, {"127.0.0.1:8000": text_of(server.endpoint)}))


def environ(client: RawClient) -> dict[str, str]:
    answer = client.request("GET", "/environ")
    assert answer.status == 200
    return dict(line.split("=", 1) for line in answer.text.splitlines())


def test_tls_of_the_client_follows_the_proxy_protocol(
    start_server: Starter, authority: Authority, tmp_path: Path, proxies: list[Proxy]
) -> None:
    pair = authority.issue("server")
    files = ["--certfile", str(pair.certificate), "--keyfile", str(pair.key)]
    proxies.append(front(start_server, tmp_path, *files))
    with TlsClient(proxies[0].front, authority.client_context()) as client:
        host, port = client.sock.getsockname()
        for _ in range(3):
            seen = environ(client)
            assert (seen["REMOTE_ADDR"], seen["REMOTE_PORT"]) == (host, str(port))
            assert (seen["PROXY_PROTOCOL"], seen["wsgi.url_scheme"]) == ("TCP4", "https")
            assert seen["SSL_PROTOCOL"].startswith("TLSv1.")


def test_proxy_that_ends_the_clients_tls_tells_of_it(
    start_server: Starter, authority: Authority, tmp_path: Path, proxies: list[Proxy]
) -> None:
    pair = authority.issue("front")
    both = tmp_path / "both.pem"  # as HAProxy wants it
    both.write_bytes(pair.certificate.read_bytes() + pair.key.read_bytes())
    changes = {
        "send-proxy-v2": "send-proxy-v2-ssl",
        "bind 127.0.0.1:8080": f"bind 127.0.0.1:8080 ssl crt {both}",
    }
    proxies.append(front(start_server, tmp_path, changes=changes))
    with TlsClient(proxies[0].front, authority.client_context()) as client:
        for _ in range(2):
            seen = environ(client)
            assert (seen["PROXY_PROTOCOL"], seen["wsgi.url_scheme"]) == ("TCP4", "https")
            assert "SSL_PROTOCOL" not in seen  # that would be about our own TLS
