"""The event loop of an ASGI worker: one wait for the hub and for asyncio."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from fastfork._core.loop.looplag import LoopLag
from fastfork.ipc import Scoreboard
from fastfork.workers.asgiloop import SharedSelector, WokenOnce, callbacks_of, make_loop
from fastfork.workers.poller import EpollPoller

CALLS = 2_000  # of each thread
THREADS = 4


@pytest.fixture
def poller() -> Iterator[EpollPoller]:
    poller = EpollPoller()
    yield poller
    poller.close()


@pytest.fixture
def loop(poller: EpollPoller) -> Iterator[asyncio.AbstractEventLoop]:
    loop, _driver = make_loop(poller, "asyncio")
    yield loop
    loop.close()


def lag() -> LoopLag:
    return LoopLag(Scoreboard(1).slot(0).view)


def test_no_call_of_a_thread_is_lost(loop: asyncio.AbstractEventLoop) -> None:
    """Each is waited for before the next, so that a wake-up that is missing is a hang."""
    done: list[int] = []

    def work() -> None:
        for number in range(CALLS):
            called = threading.Event()
            loop.call_soon_threadsafe(called.set)
            assert called.wait(10), number
        done.append(1)
        loop.call_soon_threadsafe(lambda: None)

    async def all_of_them() -> None:
        await asyncio.gather(*(asyncio.to_thread(work) for _ in range(THREADS)))

    loop.run_until_complete(asyncio.wait_for(all_of_them(), 60))
    loop.run_until_complete(loop.shutdown_default_executor())
    assert len(done) == THREADS


def test_first_step_of_a_task_can_be_taken_from_the_queue(loop: asyncio.AbstractEventLoop) -> None:
    """What a request's task is started with at once where Python cannot (before 3.12)."""
    callbacks = callbacks_of(loop)
    assert callbacks is not None
    seen: list[object] = []

    async def steps() -> None:
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())

    def begin() -> None:
        loop.call_soon(seen.append, "another")
        task = asyncio.Task(steps(), loop=loop)
        callbacks.pop()._run()
        assert seen == [task]
        task.add_done_callback(lambda _task: loop.stop())

    loop.call_soon(begin)
    loop.run_forever()
    first, another, second = seen
    assert another == "another"
    assert first is second
    assert isinstance(first, asyncio.Task)


def test_loop_is_woken_once_for_all_that_threads_have_to_say(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[None] = []
    write = asyncio.SelectorEventLoop._write_to_self  # type: ignore[attr-defined]

    def counting(self: WokenOnce) -> None:
        written.append(None)
        write(self)

    monkeypatch.setattr(asyncio.SelectorEventLoop, "_write_to_self", counting)
    calls: list[int] = []
    for number in range(100):
        loop.call_soon_threadsafe(calls.append, number)
    loop.run_until_complete(asyncio.sleep(0))
    loop.run_until_complete(asyncio.sleep(0))
    assert (calls, len(written)) == (list(range(100)), 1)
    loop.call_soon_threadsafe(calls.append, 100)
    assert len(written) == 2


def test_descriptors_of_the_hub_go_to_its_turn(poller: EpollPoller) -> None:
    loop, selector = make_loop(poller, "asyncio")
    assert isinstance(selector, SharedSelector)
    ours, client = socket.socketpair()
    seen: list[tuple[int, int]] = []
    ended = loop.create_future()

    def turn(events: list[tuple[int, int]]) -> float:
        seen.extend(events)
        if events and not ended.done():
            ours.recv(1)
            ended.set_result(None)
        return 5.0

    poller.register(ours.fileno(), 1)
    selector.serve(turn, bool, lag())
    client.send(b"x")
    loop.run_until_complete(asyncio.wait_for(ended, 10))
    selector.rest()
    assert seen == [(ours.fileno(), 1)]
    ours.close()
    client.close()
    loop.close()


def test_asyncio_waits_no_longer_than_the_hub_wants(poller: EpollPoller) -> None:
    loop, selector = make_loop(poller, "asyncio")
    turns: list[int] = []
    ended = loop.create_future()

    def turn(_events: list[tuple[int, int]]) -> float:
        turns.append(1)
        if len(turns) == 3:
            ended.set_result(None)
        return 0.001

    selector.serve(turn, bool, lag())
    loop.run_until_complete(asyncio.wait_for(ended, 10))
    selector.rest()
    loop.close()
