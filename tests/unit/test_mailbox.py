"""Signals as data: noted by the handler, read by the loop, none lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from fastfork.ipc import SignalMailbox
from fastfork.ipc.mailbox import MAX_NOTED

USED = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH)


@pytest.fixture
def mailbox() -> Iterator[SignalMailbox]:
    box = SignalMailbox(USED)
    yield box
    box.close()


def send(*signums: int) -> None:
    for signum in signums:
        signal.raise_signal(signum)


def test_signals_come_out_in_the_order_they_came_in(mailbox: SignalMailbox) -> None:
    send(signal.SIGUSR2, signal.SIGUSR1, signal.SIGUSR2)
    assert list(mailbox.drain()) == [signal.SIGUSR2, signal.SIGUSR1, signal.SIGUSR2]
    assert list(mailbox.drain()) == []


def test_signal_ends_the_wait(mailbox: SignalMailbox) -> None:
    send(signal.SIGUSR1)
    began = time.monotonic()
    mailbox.wait(30)
    assert time.monotonic() - began < 10


def test_signal_during_the_wait_ends_it(mailbox: SignalMailbox) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)  # nothing else may wake us
    before = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGUSR1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        began = time.monotonic()
        mailbox.wait(30)
        assert time.monotonic() - began < 10
        mailbox.wait(0)
        while not (noted := list(mailbox.drain())):
            mailbox.wait(10)
        assert noted == [signal.SIGUSR1]
    finally:
        signal.signal(signal.SIGALRM, before)


def test_ring_ends_the_wait_and_carries_nothing(mailbox: SignalMailbox) -> None:
    mailbox.ring()
    began = time.monotonic()
    mailbox.wait(30)
    assert time.monotonic() - began < 10
    assert list(mailbox.drain()) == []


def test_wait_ends_at_its_timeout(mailbox: SignalMailbox) -> None:
    began = time.monotonic()
    mailbox.wait(0.02)
    assert time.monotonic() - began >= 0.019


@pytest.mark.parametrize("timeout", [0.0, -1.0, -1e9])
def test_timeout_in_the_past_does_not_wait(mailbox: SignalMailbox, timeout: float) -> None:
    began = time.monotonic()
    mailbox.wait(timeout)
    assert time.monotonic() - began < 5


def test_full_socket_loses_no_signal_and_never_blocks(mailbox: SignalMailbox) -> None:
    for _ in range(100_000):
        mailbox.ring()
    send(signal.SIGUSR1)
    assert list(mailbox.drain()) == [signal.SIGUSR1]


def test_flood_is_bounded_and_hides_no_other_signal(mailbox: SignalMailbox) -> None:
    send(*[signal.SIGUSR1] * (3 * MAX_NOTED), signal.SIGUSR2)
    noted = list(mailbox.drain())
    assert len(noted) == MAX_NOTED + 1
    assert noted[-1] == signal.SIGUSR2


def test_handlers_are_given_back_at_the_end() -> None:
    def mine(*_: object) -> None: ...

    before = signal.signal(signal.SIGUSR1, mine)
    try:
        SignalMailbox(USED).close()
        assert signal.getsignal(signal.SIGUSR1) is mine
        assert signal.set_wakeup_fd(-1) == -1
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_child_forgets_what_was_noted_and_can_still_ring() -> None:
    box = SignalMailbox(USED)
    parent_end = os.dup(box._wake_r.fileno())
    try:
        send(signal.SIGUSR1)
        box.close_in_child()
        assert list(box._noted) == []
        assert signal.set_wakeup_fd(-1) == -1
        os.read(parent_end, 4096)
        box.ring()
        assert os.read(parent_end, 4096) == b"\0"
    finally:
        os.close(parent_end)
        box.close()


def test_ring_without_an_arbiter_is_silent() -> None:
    box = SignalMailbox(USED)
    box.close_in_child()
    box.ring()
    box.close()


def test_signals_are_ignored_on_the_way_out_when_that_is_asked_for() -> None:
    before = [signal.getsignal(signum) for signum in USED]
    box = SignalMailbox(USED)
    try:
        box.close(ignored={signal.SIGUSR1})
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGUSR2) is before[1]
    finally:
        for signum, handler in zip(USED, before, strict=True):
            signal.signal(signum, handler)
