"""Clients that do anything at any moment: the hub serves the others, and nothing is left.

What is asked for covers every way an answer can be made; what the clients do, every way in
which a connection can go on or end.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastfork.workers.poller import EpollPoller, SelectorsPoller
from tests.kit.blocks import Blocks
from tests.kit.inproc import HubClient, Served
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]

EXPECTED = (
    "on purpose",
    "shorter than its",
    "longer than its",
    "Invalid request",
    "Error in close",
    "GET /detach",  # refused while earlier answers wait for the client
)


class Application:
    """Answers by path; counts the bodies it gave, and how often they were closed."""

    def __init__(self, directory: Path) -> None:
        self.bodies: list[Blocks] = []
        self.file = directory / "file"
        self.file.write_bytes(b"f" * 200_000)

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        what = environ["PATH_INFO"][1:]
        if what == "raise":
            raise LookupError("on purpose")
        if what == "slow":
            until = time.monotonic() + 0.0003
            while time.monotonic() < until:
                pass
        if what == "hint":
            environ["wsgi.early_hints"]([("Link", "x")])
        if what == "detach":
            environ["fastfork.socket"].detach().close()
            return self.counted([b"never seen"])
        fields = {"short": "10", "long": "2", "sized": "6000"}
        write = start_response(
            "200 OK", [("Content-Length", fields[what])] if what in fields else []
        )
        if what == "write":
            write(b"w" * 100_000)
        if what in ("file", "memory"):
            opened = self.file.open("rb") if what == "file" else io.BytesIO(b"m" * 20_000)
            wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](opened)
            return wrapped
        if what == "list":
            return [b"l" * 50_000] * 3
        if what == "echo":
            return [environ["wsgi.input"].read()]
        return self.counted(self.blocks(what))

    def blocks(self, what: str) -> Iterator[Any]:
        """The blocks of a streamed answer."""
        if what == "stream":
            yield from [b"s" * 9000] * 40
        elif what == "sized":
            yield from [b"z" * 1000] * 6
        elif what == "cut":
            yield b"c"
            yield LookupError("on purpose")
        else:
            yield b"ok;"

    def counted(self, blocks: Iterable[Any]) -> Blocks:
        self.bodies.append(Blocks(blocks))
        return self.bodies[-1]


GETS = ["ok", "slow", "stream", "sized", "cut", "raise", "hint"]
GETS += ["file", "memory", "list", "write", "short", "long"]
REQUESTS = [
    *(b"GET /%s HTTP/1.1\r\nHost: h\r\n\r\n" % what.encode() for what in GETS),
    b"HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n",
    b"GET /ok HTTP/1.0\r\n\r\n",
    b"GET /ok HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 300\r\n\r\n" + b"e" * 300,
    b"POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 300\r\n\r\n" + b"e" * 300,
    b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    b"GET /detach HTTP/1.1\r\nHost: h\r\n\r\n",
    b"nonsense\r\n\r\n",
]
SCRIPT = st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=40).map(b"".join)
DO = st.one_of(
    st.tuples(st.just("send"), st.sampled_from([1, 30, 1000, 100_000])),
    st.tuples(st.just("send"), st.sampled_from([1000, 100_000])),
    st.tuples(st.just("take"), st.sampled_from([1, 5000, 1_000_000])),
    st.tuples(
        st.sampled_from(["turn", "turn", "settle", "close", "reset", "half_close"]), st.just(0)
    ),
)
PLAN = st.lists(st.tuples(st.integers(0, 3), DO), min_size=5, max_size=60)


class Actor:
    """A client with a script of requests, of which it sends a piece at a time."""

    def __init__(self, served: Served, script: bytes) -> None:
        self.served = served
        self.client: HubClient = served.connect()
        self.script = script

    def act(self, what: str, size: int) -> None:
        try:
            if what == "send":
                sent = self.client.sock.send(self.script[:size], 0x40)  # MSG_DONTWAIT
                self.script = self.script[sent:]
            elif what == "take":
                self.client.sock.recv(size, 0x40)
            elif what in ("turn", "settle"):
                getattr(self.served, what)()
            else:
                getattr(self.client, what)()
        except OSError:
            pass  # full, empty, or ended by either side


@pytest.mark.parametrize("poller", [EpollPoller, SelectorsPoller])
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(scripts=st.tuples(SCRIPT, SCRIPT, SCRIPT, SCRIPT), plan=PLAN, small=st.booleans())
def test_whatever_the_clients_do_nothing_breaks_and_nothing_is_left(
    serve: Serve,
    tmp_path: Path,
    poller: type[Any],
    scripts: tuple[bytes, ...],
    plan: list[tuple[int, tuple[str, int]]],
    small: bool,
) -> None:
    app = Application(tmp_path)
    served = serve(app, small_buffers=small, spool_after=100, poller=poller(), connections=3)
    try:
        actors = [Actor(served, script) for script in scripts]
        for number, (what, size) in plan:
            actors[number].act(what, size)
        for actor in actors:
            actor.client.close()
        # The queue is in order: all were accepted when this one is.
        last = served.connect()
        assert last.request("GET", "/ok").body == b"ok;"
        last.close()
        served.turn_until(lambda: served.hub.connections.count == 0, "all connections are closed")
        served.log[:] = [line for line in served.log if not any(text in line for text in EXPECTED)]
    finally:
        served.finish()
    assert {body.closed for body in app.bodies} <= {1}
