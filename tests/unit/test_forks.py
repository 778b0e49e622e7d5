"""What a process does that others have forked, without a fork, and what its parent checks."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import pytest

from fastfork import forks
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]
BIG = b"x" * (8 << 20)  # more than the socket buffers of both sides hold
ENDED = 0x18  # EPOLLERR | EPOLLHUP


class Left(BaseException):
    """In place of the end of the process."""


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The exit codes that the process has ended with."""
    codes: list[int] = []

    def leave(code: int) -> None:
        codes.append(code)
        raise Left

    monkeypatch.setattr(os, "_exit", leave)
    return codes


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, 0),
        (SystemExit(), 0),
        (SystemExit(3), 3),
        (SystemExit("why"), 1),
        (ValueError("no"), 1),
        (KeyboardInterrupt(), 1),
    ],
    ids=repr,
)
def test_child_that_comes_back_ends_with_its_own_exit_code(
    ended: list[int], caplog: pytest.LogCaptureFixture, error: BaseException | None, code: int
) -> None:
    with caplog.at_level(logging.WARNING, "fastfork.error"), pytest.raises(Left):
        forks.leave(error, out_of="GET /report")
    assert ended == [code]
    (record,) = caplog.records
    assert "out of GET /report" in record.message
    assert ("ValueError('no')" in record.message) == isinstance(error, ValueError)


def test_process_that_is_ours_stays(ended: list[int]) -> None:
    forks.leave_if_foreign()
    assert ended == []


def test_signal_handler_acts_in_our_own_process_only(monkeypatch: pytest.MonkeyPatch) -> None:
    acted: list[FrameType | None] = []
    sent: list[tuple[int, int]] = []
    handler = forks.ours(acted.append)
    handler(signal.SIGUSR1, None)
    assert acted == [None]
    monkeypatch.setattr(forks, "is_foreign", lambda: True)
    monkeypatch.setattr(os, "kill", lambda *args: sent.append(args))
    before = signal.getsignal(signal.SIGUSR1)
    try:
        handler(signal.SIGUSR1, None)
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert acted == [None]
    assert sent == [(os.getpid(), signal.SIGUSR1)]


def test_end_that_is_reported_for_a_client_that_is_there_is_not_believed(serve: Serve) -> None:
    """The report may be about the connection that had the descriptor before."""

    def app(_environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [BIG]

    served = serve(app, small_buffers=True)
    client = served.connect()
    client.send_request()
    (fd,) = (
        number
        for number in map(int, os.listdir("/proc/self/fd"))
        if number != client.sock.fileno() and _peer_of(number, client.sock.getsockname())
    )
    served.hub.turn([(fd, ENDED)])
    assert client.read_response().body == BIG


def _peer_of(descriptor: int, name: object) -> bool:
    try:
        if not os.readlink(f"/proc/self/fd/{descriptor}").startswith("socket:"):
            return False
        with socket.socket(fileno=os.dup(descriptor)) as sock:
            return bool(sock.getpeername() == name)
    except OSError:
        return False
