"""nginx in front: what it asks of us, with and without kept connections.

Runs in: cli
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.client import RawClient
from tests.kit.nginx import Nginx

LARGE = b"0123456789abcdef" * (1 << 20)  # what /large sends
UPLOAD = bytes(range(256)) * (64 << 10)  # 16 MiB
LIMIT = 32 << 20  # limit_request_body
WAYS = ("kept", "plain", "direct")


@pytest.fixture
def proxy(start_server: Starter, tmp_path: Path, http_parser: str) -> Iterator[RawClient]:
    """A client of an nginx that has our server behind it."""
    options = ("--keep-alive", "30", "--limit-request-body", str(LIMIT))
    server = start_server("worker_plain:app", "--http-parser", http_parser, *options)
    assert not isinstance(server.endpoint, str)
    nginx = Nginx(tmp_path, "{}:{}".format(*server.endpoint))
    try:
        with RawClient(nginx.front, timeout=30.0) as client:
            yield client
    finally:
        complaints = nginx.stop()
    assert not complaints


def told(data: bytes) -> str:
    """What /echo answers."""
    return f"{len(data)} {hashlib.sha256(data).hexdigest()}"


def environ(client: RawClient, way: str) -> dict[str, str]:
    """What the application saw of a request that came this way."""
    lines = client.request("GET", f"/{way}/environ", [("X-Mine", "1")]).text.splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_nginx_keeps_its_connections_where_it_is_told_to(proxy: RawClient) -> None:
    kept = [environ(proxy, "kept") for _ in range(5)]
    assert len({seen["REMOTE_PORT"] for seen in kept}) == 1
    assert {seen["SERVER_PROTOCOL"] for seen in kept} == {"HTTP/1.1"}
    plain = [environ(proxy, "plain") for _ in range(5)]
    assert len({seen["REMOTE_PORT"] for seen in plain}) == 5
    assert {seen["SERVER_PROTOCOL"] for seen in plain} == {"HTTP/1.0"}
    assert {(seen["HTTP_HOST"], seen["HTTP_X_MINE"]) for seen in kept + plain} == {("test", "1")}


@pytest.mark.parametrize("way", WAYS)
def test_everything_comes_through_nginx_whole(proxy: RawClient, way: str) -> None:
    for _ in range(2):
        assert proxy.request("GET", f"/{way}/hello?a=b").text == "a=b"
        for target in ("large", "stream/256", "file/16384"):
            assert proxy.request("GET", f"/{way}/{target}").body == LARGE
        assert proxy.request("GET", f"/{way}/stream/0").body == b""
        assert proxy.request("GET", f"/{way}/write").body == LARGE[: 1 << 20] + b"end"
        head = proxy.request("HEAD", f"/{way}/file/40")
        assert (head.get("content-length"), head.body) == ("40960", b"")
        assert proxy.request("POST", f"/{way}/echo", body=b"").text == told(b"")
        assert proxy.request("POST", f"/{way}/echo", body=UPLOAD).text == told(UPLOAD)


@pytest.mark.parametrize("way", WAYS)
def test_chunked_upload_comes_through_nginx_whole(proxy: RawClient, way: str) -> None:
    head = f"POST /{way}/echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    proxy.send(head.encode())
    for start in range(0, len(UPLOAD), 1 << 20):
        proxy.send(b"%x\r\n%s\r\n" % (1 << 20, UPLOAD[start : start + (1 << 20)]))
    proxy.send(b"0\r\n\r\n")
    assert proxy.read_response().text == told(UPLOAD)


@pytest.mark.parametrize("way", WAYS)
def test_refusal_in_the_middle_of_an_upload_reaches_the_client(proxy: RawClient, way: str) -> None:
    answer = proxy.request("POST", f"/{way}/echo", body=bytes(LIMIT + 1))
    assert (answer.status, "413 Content Too Large" in answer.text) == (413, True)
    with RawClient(str(proxy.sock.getpeername())) as another:
        assert another.request("GET", f"/{way}/hello?after").text == "after"
