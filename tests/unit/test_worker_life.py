"""A worker's own decisions: when it drains, when it quits, what it says."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from fastfork import clock
from fastfork.config import Config
from fastfork.errors import AppNotFound, ConfigError
from fastfork.ipc import Scoreboard, State
from fastfork.workers import WORKER_CLASSES, worker_class
from fastfork.workers.base import Worker
from fastfork.workers.stacks import all_stacks

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


class FakeWorker(Worker):
    """Serves nothing; counts how often it was woken."""

    woken = 0

    def open(self, app: WSGIApplication) -> None:
        pass

    def serve(self) -> int:
        return 0

    def wake(self) -> None:
        self.woken += 1

    def current_request(self) -> str:
        return ""


MakeWorker = Callable[..., FakeWorker]


@pytest.fixture
def make() -> MakeWorker:
    def make_worker(state: State = State.READY, **settings: Any) -> FakeWorker:
        slot = Scoreboard(1).slot(0)
        slot.state = state
        return FakeWorker(
            number=0,
            age=1,
            cfg=Config(**settings),
            listeners=[],
            slot=slot,
            arbiter_pid=os.getppid(),
            load_app=lambda: pytest.fail("nobody asked for the application"),
        )

    return make_worker


def test_drain_has_a_deadline_and_is_on_the_scoreboard(make: MakeWorker) -> None:
    worker = make(graceful_timeout=7.0)
    before = clock.now()
    worker.begin_drain()
    assert worker.draining
    assert worker.alive
    assert worker.drain_deadline is not None
    assert before + 7 <= worker.drain_deadline <= clock.now() + 7
    assert worker.slot.state == State.DRAINING
    assert worker.woken == 1


def test_second_drain_does_not_move_the_deadline(make: MakeWorker) -> None:
    worker = make()
    worker.begin_drain()
    deadline = worker.drain_deadline
    worker.begin_drain()
    assert (worker.drain_deadline, worker.woken) == (deadline, 1)


def test_worker_that_still_loads_quits_instead_of_draining(make: MakeWorker) -> None:
    worker = make(State.BOOTING)
    with pytest.raises(SystemExit) as leaving:
        worker.begin_drain()
    assert leaving.value.code == 0
    assert not worker.alive


def test_quit_leaves_once(make: MakeWorker) -> None:
    worker = make()
    with pytest.raises(SystemExit):
        worker.quit_now()
    worker.quit_now()  # in the middle of leaving: nothing to raise any more
    assert not worker.alive


def test_signal_on_the_way_out_changes_nothing(make: MakeWorker) -> None:
    worker = make(State.EXITING)
    worker.alive = False
    worker.quit_now()
    worker.begin_drain()
    assert (worker.draining, worker.woken, worker.slot.state) == (False, 0, State.EXITING)


def test_orphan_notices(make: MakeWorker) -> None:
    worker = make()
    assert not worker.orphaned()
    worker.arbiter_pid += 1
    assert worker.orphaned()


@pytest.mark.parametrize(
    ("requests", "jitter", "drawn"),
    [(0, 0, {0}), (0, 50, {0}), (100, 0, {100}), (100, 3, {100, 101, 102, 103})],
)
def test_max_requests_is_drawn_with_jitter(
    make: MakeWorker, requests: int, jitter: int, drawn: set[int]
) -> None:
    seen = {
        make(max_requests=requests, max_requests_jitter=jitter).max_requests for _ in range(200)
    }
    assert seen <= drawn
    assert len(seen) > 1 or len(drawn) == 1


def test_worker_told_to_go_while_it_loads_shows_no_error(
    make: MakeWorker, caplog: pytest.LogCaptureFixture
) -> None:
    worker = make(State.BOOTING, reload=True)

    def load_app() -> WSGIApplication:
        worker.begin_drain()  # the signal comes in the middle of an import
        raise AssertionError("it goes at once")

    worker.app.load = load_app  # type: ignore[method-assign]
    assert worker._load_and_serve() == 0
    assert caplog.messages == []


def test_boot_failure_has_the_exit_code_of_its_reason(make: MakeWorker) -> None:
    worker = make(State.BOOTING)
    assert worker._boot_failed(AppNotFound("no such name")) == 4
    assert worker._boot_failed(ConfigError("chdir: gone")) == 3
    worker.alive = False
    assert worker._boot_failed(AppNotFound("interrupted by SIGTERM")) == 0


def test_every_worker_class_is_named_as_module_and_class() -> None:
    for target in WORKER_CLASSES.values():
        module, _, attribute = target.partition(":")
        assert module.startswith("fastfork.workers.")
        assert attribute.isidentifier()


def test_worker_class_can_be_looked_up_by_module_and_name() -> None:
    assert worker_class("fastfork.workers.base:Worker") is Worker


def test_unknown_worker_class_is_one_line_with_the_known_ones() -> None:
    said = r"^worker_class: 'sink' is not one of: sync, gthread, gevent, gevent_pywsgi, "
    with pytest.raises(ConfigError, match=said):
        worker_class("sink")


def test_stacks_name_the_thread_and_leave_out_what_is_always_the_same() -> None:
    def outer() -> str:
        return inner()

    def inner() -> str:
        return all_stacks(sys._getframe(), outer.__code__)

    text = outer()
    assert text.count("Thread MainThread, most recent call last:") == 1
    assert "in inner" in text
    assert "in outer" not in text
