"""Play a schedule: a thread a client, every answer compared with the one that it must be.

Runs in: cli
"""

from __future__ import annotations

import threading
import time

from tests.kit.client import Endpoint
from tests.kit.response import ConnectionEnded, ProtocolViolation, ServerReset
from tests.kit.traffic import SLOWLY, Connection
from tests.schedules.plan import Request, Schedule, Step

# Seconds.  No answer of a schedule takes a second by itself; one worker of one thread answers all.
ANSWER = 20.0
WHOLE = 60.0


def play(schedule: Schedule, endpoint: Endpoint, patience: float = 1.0) -> list[str]:
    """What went wrong, nothing when every answer was whole and its own.

    patience: the deadlines are so many times as long.
    """
    players = [
        _Player(endpoint, number, steps, ANSWER * patience)
        for number, steps in enumerate(schedule.clients)
    ]
    threads = [threading.Thread(target=one.play, daemon=True) for one in players]
    deadline = time.monotonic() + WHOLE * patience
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    stuck = [one.name for one, thread in zip(players, threads, strict=True) if thread.is_alive()]
    problems = [problem for one in players for problem in one.problems]
    return problems + [f"{name} has not ended in {WHOLE * patience:g} s" for name in stuck]


class _Player:
    """One client.  Runs in a thread of its own."""

    def __init__(
        self, endpoint: Endpoint, number: int, steps: tuple[Step, ...], timeout: float
    ) -> None:
        self.name = f"client {number}"
        self.problems: list[str] = []
        self._endpoint = endpoint
        self._steps = steps
        self._timeout = timeout
        self._connection: Connection | None = None

    def play(self) -> None:
        """All steps, or those until something is wrong."""
        try:
            for step in self._steps:
                time.sleep(step.pause)  # a client that thinks; nobody waits for a fact
                self._step(step)
        except (OSError, EOFError, AssertionError) as error:
            self.problems.append(f"{self.name}, {step}: {type(error).__name__}: {error}")
        finally:
            self._hang_up()

    def _step(self, step: Step) -> None:
        if step.fresh:
            self._hang_up()
        if self._connection is None:
            self._connection = Connection(self._endpoint, timeout=self._timeout)
        connection = self._connection
        connection.received.clear()  # the connection may live long
        if step.leave is not None:
            self._leave(connection, step)
            return
        _send(connection, step, 1.0)
        connection.pause = SLOWLY if step.slowly else 0.0
        for request in step.requests:
            if self._connection is None:
                # Said with the answer before: what followed is for nobody, and it is the last.
                raise AssertionError(f"closed before {request}")
            self._answer(connection, request)

    def _answer(self, connection: Connection, request: Request) -> None:
        if request.is_cut:
            _expect_cut(connection, request)
            self._hang_up()
            return
        answer = connection.read_response(request.method)
        assert answer.status == request.status, f"{request} got {answer.status} {answer.fields}"
        if request.status == 200:
            assert answer.get("x-token") == request.token, f"{request} got {answer.fields}"
            _compare(answer.body, request.body, request)
        if answer.closes:
            self._hang_up()

    def _leave(self, connection: Connection, step: Step) -> None:
        leave = step.leave
        assert leave is not None
        try:
            _send(connection, step, leave.sent)
            if leave.reads and leave.sent == 1.0:
                connection.sock.recv(leave.reads)
        except (BrokenPipeError, ConnectionResetError):
            # Of a pipeline: the server closed after an answer, which this client never read.
            assert (
                len(step.requests) > 1
                or step.requests[0].status != 200
                or (step.requests[0].is_cut)
            ), "reset"
        time.sleep(leave.pause)
        if leave.reset:
            connection.reset()
        self._hang_up()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _send(connection: Connection, step: Step, share: float) -> None:
    data = b"".join(request.wire for request in step.requests)
    data = data[: max(1, int(share * len(data)))]
    size = -(-len(data) // step.pieces)
    for at in range(0, len(data), size):
        connection.send(data[at : at + size])
        if step.pieces > 1:
            time.sleep(0.001)  # in packets of their own


def _expect_cut(connection: Connection, request: Request) -> None:
    """The head and the blocks before the failure come, the last chunk never."""
    try:
        answer = connection.read_response()
    except (ConnectionEnded, ServerReset):
        received = bytes(connection.received)
        assert f"X-Token: {request.token}\r\n".encode() in received, received[:300]
        first = request.body[:100]
        assert first in received, f"{request}: no first block in {received[:300]!r}"
        return
    raise ProtocolViolation(f"{request} is whole: {answer.status}, {len(answer.body)} bytes")


def _compare(got: bytes, wanted: bytes, request: Request) -> None:
    if got == wanted:
        return
    pairs = zip(got, wanted, strict=False)
    at = next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(got), len(wanted)))
    near = slice(max(0, at - 40), at + 80)
    raise AssertionError(
        f"{request}: {len(got)} bytes instead of {len(wanted)}, another from {at} on: "
        f"{got[near]!r} instead of {wanted[near]!r}"
    )
