"""Applications that read slowly: what comes quickly waits with the client, and all of it arrives.

Runs in: cli
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.kit.programs import library
from tests.kit.server import RunningServer
from tests.kit.tls import NAME, Authority
from tests.kit.waiting import DEADLINE

library("httpx")
import httpx  # noqa: E402

Borrow = Callable[..., RunningServer]
BODY = hashlib.sha256(b"seed").digest() * 100_000  # 3.2 MB
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(params=["plain", "tls"])
def secured(
    request: pytest.FixtureRequest, borrow_server: Borrow, authority: Authority
) -> tuple[RunningServer, ssl.SSLContext | None]:
    """A server, and what its clients need for it."""
    options: tuple[str, ...] = ()
    context = None
    if request.param == "tls":
        pair = authority.issue("slowly")
        options = ("--certfile", str(pair.certificate), "--keyfile", str(pair.key))
        context = authority.client_context()
    return borrow_server("asgi_slowly:app", "-k", "asgi", *options), context


Secured = tuple[RunningServer, ssl.SSLContext | None]


@pytest.mark.parametrize("way", ["whole", "chunked"])
def test_upload_arrives_whole(secured: Secured, way: str) -> None:
    server, context = secured
    url = server.url.replace("http", "http" if context is None else "https", 1)
    how: dict[str, Any] = {"extensions": {"sni_hostname": NAME}} if context else {}
    with httpx.Client(verify=context or True, trust_env=False, timeout=DEADLINE) as client:
        for _ in range(3):
            pieces = (BODY[at : at + 30_001] for at in range(0, len(BODY), 30_001))
            answer = client.post(url, content=BODY if way == "whole" else pieces, **how)
            assert answer.text == DIGEST


def test_upload_of_a_client_that_says_no_more_arrives_whole(borrow_server: Borrow) -> None:
    server = borrow_server("asgi_slowly:app", "-k", "asgi")
    with server.connect() as client:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(BODY)
        client.send(head, BODY)
        client.half_close()
        assert client.read_response().text == DIGEST


@pytest.mark.parametrize("size", [10, 1000, 100_000])
@pytest.mark.parametrize("compression", ["deflate", None])
def test_messages_arrive_whole(secured: Secured, size: int, compression: str | None) -> None:
    server, context = secured
    assert not isinstance(server.endpoint, str)
    place = f"{server.endpoint[0]}:{server.endpoint[1]}/"
    how: dict[str, Any] = {"compression": compression, "max_size": None}
    if context is not None:
        how |= {"ssl": context, "server_hostname": NAME}
    count = min(500, len(BODY) // size)
    with connect(f"{'ws' if context is None else 'wss'}://{place}", **how) as socket:
        digest = hashlib.sha256()
        for number in range(count):
            message = BODY[number % 32 : number % 32 + size]
            digest.update(message)
            socket.send(message)
        socket.send("end")
        assert socket.recv(timeout=DEADLINE) == f"{count} {digest.hexdigest()}"
