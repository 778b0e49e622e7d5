"""The end of the server, told to connections that would go on.

Runs in: cli
"""

from __future__ import annotations

import time

from tests.asgi.case import Group
from tests.asgi.servers import Started
from tests.asgi.stage import Stage
from tests.kit.websocket import CLOSE, close_payload

group = Group("ending")
rule, wish = group.rule, group.wish
GRACE = 2  # seconds
MARGIN = 6.0  # seconds that the server itself takes, on a machine with much to do


def on_its_own(stage: Stage) -> tuple[Stage, Started]:
    """A server with a short grace, which the case may end."""
    started = stage.start(grace=GRACE)
    other = stage.on(started)
    other.timeout = GRACE + MARGIN
    return other, started


def ends_in_time(started: Started, since: float) -> None:
    started.wait()
    took = time.monotonic() - since
    assert took < GRACE + MARGIN, f"{took:.1f} s"


@wish
def websocket_is_closed_with_1012(stage: Stage) -> None:
    """IANA's WebSocket Close Code Number Registry: 1012 Service Restart (uvicorn 1344, granian
    796)."""
    other, started = on_its_own(stage)
    opened = other.websocket("ws_held")
    since = time.monotonic()
    started.terminate()
    assert opened.closed()[0] == 1012
    opened.send(CLOSE, close_payload(1012))
    ends_in_time(started, since)
    other.close()


@wish
def websocket_whose_client_is_silent_does_not_keep_the_server(stage: Stage) -> None:
    """A closing handshake has a limit (uvicorn 3053; gunicorn 27 waits for all of its grace)."""
    other, started = on_its_own(stage)
    other.websocket("ws_held")
    since = time.monotonic()
    started.terminate()
    ends_in_time(started, since)


@wish
def stream_without_end_does_not_keep_the_server(stage: Stage) -> None:
    """Server-sent events must not hold up a stop for ever (fastapi_mcp 199, sse-starlette 128, mcp
    python-sdk 514)."""
    other, started = on_its_own(stage)
    client = other.send("listening_stream")
    client.wait_for(b"event")
    since = time.monotonic()
    started.terminate()
    ends_in_time(started, since)


@wish
def stream_that_listens_hears_of_the_end(stage: Stage) -> None:
    """www: http.disconnect, before the connection is cut, so that it can end well (uvicorn 2829,
    2913): the client gets the last chunk."""
    other, started = on_its_own(stage)
    client = other.send("listening_stream")
    client.wait_for(b"event")
    started.terminate()
    assert client.read_response().body.endswith(b"goodbye")
    started.wait()
    other.close()


@wish
def request_that_never_ends_does_not_keep_the_server(stage: Stage) -> None:
    """The grace is for all: a request that waits for nothing that comes is cut."""
    other, started = on_its_own(stage)
    other.send("stubborn")
    other.told("waits")
    since = time.monotonic()
    started.terminate()
    ends_in_time(started, since)
