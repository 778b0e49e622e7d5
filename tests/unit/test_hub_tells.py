"""What the hub says of each connection when somebody asks for debug."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kit.blocks import path
from tests.kit.inproc import HubClient, Served
from tests.unit.conftest import Serve

SHORT = 0.05  # seconds
GET = b"GET /shop HTTP/1.1\r\nHost: h\r\n\r\n"
LAST = b"GET /shop HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


def ask(client: HubClient, request: bytes) -> None:
    client.send(request)
    assert client.read_response().status == 200


ENDS: dict[str, tuple[dict[str, float], Callable[[Served, HubClient], object], str]] = {
    "keepalive": (
        {"keepalive": SHORT},
        lambda _served, client: (ask(client, GET), client.expect_end()),
        "no other request came within keepalive",
    ),
    "nothing": (
        {"first_byte": SHORT},
        lambda _served, client: client.expect_end(),
        "it has sent nothing",
    ),
    "last": (
        {},
        lambda _served, client: (ask(client, LAST), client.expect_end()),
        "its last answer is sent",
    ),
    "client": (
        {},
        lambda _served, client: (ask(client, GET), client.close()),
        "its client has ended it",
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_each_connection_is_told_of_when_it_comes_and_why_it_is_closed(
    serve: Serve, end: str
) -> None:
    settings, play, reason = ENDS[end]
    served = serve(path, **settings)
    served.hub.connections.tells = True
    client = served.connect()
    play(served, client)
    served.turn_until(lambda: served.hub.connections.count == 0, "it is closed")
    told = [line for line in served.log if line.startswith("DEBUG Connection ")]
    assert told[0].endswith("of ip=127.0.0.1 is accepted")
    assert told[-1].endswith(f"is closed: {reason}")
    assert len(told) == (2 if end == "nothing" else 3)
    if end != "nothing":
        assert told[1].endswith("asks: GET /shop")
    served.log.clear()


def test_nothing_is_told_unless_somebody_asks(serve: Serve) -> None:
    served = serve(path)
    ask(served.connect(), GET)
    assert not served.hub.connections.tells
    assert served.log == []
