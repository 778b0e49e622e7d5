"""Applications made at random: the bytes on the wire are what a strict client accepts.

After each answer a second request on the same connection shows that the client and the server
agree where the answer ended.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kit.blocks import Blocks
from tests.kit.inproc import HubClient, Served
from tests.kit.response import ConnectionEnded, Response, ServerReset
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]


class OnPurpose(Exception):
    """Raised by an application."""


@dataclass(frozen=True)
class Plan:
    """What an application does.

    written: blocks for write().  kind: of the iterable that gives `blocks`.  raising: in place
    of the block with this index, past the last = after it; None = not.  length: announced.
    start: "first", "late" (by the generator), "again" (replaced with exc_info), "never".
    """

    method: str
    version: str
    status: str
    written: tuple[bytes, ...]
    kind: str
    blocks: tuple[bytes, ...]
    raising: int | None
    length: int | None
    start: str
    closing: bool

    def body(self) -> Iterable[Any]:
        """The blocks up to what is raised, and that."""
        if self.raising is None:
            return list(self.blocks)
        return [*self.blocks[: self.raising], OnPurpose()]

    @property
    def starts(self) -> bool:
        return self.start != "never"

    @property
    def given(self) -> bytes:
        """Every byte that the application gets to hand over."""
        return b"".join(self.written) + b"".join(self.blocks[: self.raising])


def consistent(plan: Plan) -> Plan:
    """Only a generator can raise or start late; write() needs a start."""
    if plan.kind != "generator":
        plan = replace(plan, raising=None, start="first" if plan.start == "late" else plan.start)
    if plan.start in ("late", "never"):
        plan = replace(plan, written=())
    return plan


BLOCK = st.sampled_from([b"", b"", b"x", b"0\r\n\r\n", b"y" * 1000, b"z" * 20_000, b"w" * 70_000])
PLANS = st.builds(
    Plan,
    method=st.sampled_from(["GET", "GET", "HEAD"]),
    version=st.sampled_from(["1.1", "1.1", "1.0"]),
    status=st.sampled_from(["200 OK", "200 OK", "404 No", "204 Nothing", "205 Reset", "304 Same"]),
    written=st.lists(BLOCK, max_size=2).map(tuple),
    kind=st.sampled_from(["list", "tuple", "generator", "generator"]),
    blocks=st.lists(BLOCK, max_size=4).map(tuple),
    raising=st.one_of(st.none(), st.integers(0, 4)),
    length=st.one_of(st.none(), st.sampled_from([0, 1, 5, 1000, 21_000, 200_000])),
    start=st.sampled_from(["first", "first", "first", "late", "again", "never"]),
    closing=st.booleans(),
).map(consistent)


class Acting:
    """Does what `plan` says for "/", and answers "/next" plainly."""

    plan: Plan
    made: Blocks

    def __call__(self, environ: Environ, start_response: Start) -> Any:
        if environ["PATH_INFO"] == "/next":
            start_response("200 OK", [("Content-Length", "4")])
            return [b"next"]
        plan = self.plan
        write = None
        if plan.start in ("first", "again"):
            write = self.start(start_response)
        if write is not None:
            for block in plan.written:
                write(block)
        self.made = Blocks(
            self.lazily(start_response), closing=OnPurpose() if plan.closing else None
        )
        if plan.kind == "generator":
            return self.made
        return plan.blocks if plan.kind == "tuple" else list(plan.blocks)

    def start(self, start_response: Start) -> Any:
        plan = self.plan
        fields = [] if plan.length is None else [("Content-Length", str(plan.length))]
        if plan.start == "again":
            start_response("500 Old", [("X-Old", "1"), ("Content-Length", "77")])
            try:
                raise OnPurpose
            except OnPurpose:
                return start_response(plan.status, fields, sys.exc_info())
        return start_response(plan.status, fields)

    def lazily(self, start_response: Start) -> Iterator[Any]:
        if self.plan.start == "late":
            self.start(start_response)
        yield from self.plan.body()


def ask(client: HubClient, plan: Plan) -> Response | None:
    """The answer, or None when the connection ended in the middle of it."""
    lines = f"{plan.method} / HTTP/{plan.version}\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"
    client.sock.sendall(lines.encode())
    try:
        return client.read_response(plan.method)
    except ConnectionEnded:
        return None
    except ServerReset:
        # What only the end of the connection ends is cut by a reset.
        if plan.version != "1.0" or plan.raising is None:
            raise
        return None


def expect(plan: Plan, answer: Response | None) -> None:
    """Assert that this is the answer that the plan leads to."""
    bodyless = plan.method == "HEAD" or plan.status[:3] in ("204", "205", "304")
    head_sent = plan.starts and plan.given != b""
    fails = plan.raising is not None and not (bodyless and head_sent)
    if not plan.starts or (fails and not head_sent):
        assert answer is not None
        assert (answer.status, answer.closes) == (500, True)
        return
    body = plan.given if plan.length is None else plan.given[: plan.length]
    counted = plan.length is not None
    complete = len(body) == plan.length if counted else not fails
    if bodyless:
        body, complete = b"", True
    assert (answer is not None) == complete
    if answer is not None:
        assert answer.status == int(plan.status[:3])
        assert answer.body == body
        assert answer.get("x-old") is None


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(plan=PLANS)
@pytest.mark.parametrize("small", [False, True], ids=["roomy", "small buffers"])
def test_whatever_the_application_does_the_client_can_follow(
    serve: Serve, small: bool, plan: Plan
) -> None:
    app = Acting()
    app.plan = plan
    served = serve(app, small_buffers=small)
    try:
        follow(served, app, plan)
        served.log.clear()
    finally:
        served.finish()


def follow(served: Served, app: Acting, plan: Plan) -> None:
    """Ask, check the answer, and ask again."""
    client = served.connect()
    answer = ask(client, plan)
    expect(plan, answer)
    if plan.kind == "generator":
        served.settle()
        assert app.made.closed == 1
    if answer is None:
        return
    if answer.closes:
        client.expect_end()
    elif plan.raising is None or client.packets() != [b""]:
        # What was raised after the head closes, and the head could not say so.
        assert client.request("GET", "/next").body == b"next"
