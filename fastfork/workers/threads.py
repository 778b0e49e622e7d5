"""The threads of a worker, and the loops they run.

Which of them leads is decided in the compiled part (csrc/fastfork/_core/loop/crew.pyx).  With one
application thread that is the main one, as applications expect of a worker of class `sync`, and
the keeper is a thread beside it.  With several, the main thread is the keeper: it takes the
signals, and no request can keep it from that.

Runs in: worker
"""

from __future__ import annotations

import errno
import logging
import math
import os
import select
import threading
from collections.abc import Callable
from typing import Final

from fastfork import clock, forks, unpatched
from fastfork._core.loop.crew import Crew, Seat
from fastfork._core.loop.hub import Hub
from fastfork.workers.poller import Poller
from fastfork.workers.stacks import stack_of

log = logging.getLogger("fastfork.error")

LOST_LEAD: Final = -2.0  # see Hub.turn
# Threads that are not in the application end in this time, all together.
KEEPER_SECONDS: Final = 0.5
LOOK_UP_AGAIN: Final = 1.0  # seconds


class RequestWatch:
    """Finds requests that have been in the application for too long, each of them once.

    running() -> [(thread, since, request line), ...], as Crew has it.  limit: seconds, 0 = none is.
    stack(thread) -> text for the log.
    """

    def __init__(
        self,
        running: Callable[[], list[tuple[int, int, str]]],
        limit: float,
        stack: Callable[[int], str] = stack_of,
    ) -> None:
        self.running = running
        self.limit = limit
        self.stack = stack
        self._told: set[tuple[int, int]] = set()

    def look(self) -> bool:
        """Log those that are over the limit now.  Whether there was one that is new."""
        if not self.limit:
            return False
        now = clock.now_ns()
        running = self.running()
        late = {
            (thread, since): line
            for thread, since, line in running
            if now - since > self.limit * 1e9
        }
        new = late.keys() - self._told
        for thread, since in sorted(new, key=lambda one: one[1]):
            log.critical(
                "REQUEST TIMEOUT (pid: %d): in the application for %.1f s: %s; the worker is "
                "replaced\n%s",
                os.getpid(),
                (now - since) / 1e9,
                late[thread, since].encode("unicode_escape").decode("ascii"),
                self.stack(thread),
            )
        self._told = set(late)
        return bool(new)


class CrewThread(threading.Thread):
    """A thread of ours, which the end of the process does not wait for.

    What the application starts in it is the application's: `threading.Thread` is a daemon where
    the thread that makes it is one (its documentation, `daemon`), and would be cut with us.

    is_crew: it has been started as a daemon, and shows as none from now on.
    """

    is_crew = False

    @property
    def daemon(self) -> bool:
        """Whether the interpreter ends without waiting for it."""
        return not self.is_crew

    @daemon.setter
    def daemon(self, _value: bool) -> None:
        raise RuntimeError("it is the server's thread")


class Threads:
    """Serves with the threads of `crew`.  look_up() -> bool: see ReactorWorker.look_up."""

    def __init__(self, hub: Hub, crew: Crew, poller: Poller, look_up: Callable[[], bool]) -> None:
        self.hub = hub
        self.crew = crew
        self.poller = poller
        self.look_up = look_up
        self.failure: BaseException | None = None
        self._may_begin = threading.Event()
        self._beside: list[threading.Thread] = []

    def start(self) -> None:
        """Start the threads; they wait for `run`.  Raises OSError when there can be no more."""
        seats = self.crew.seats
        if len(seats) == 1:
            self._beside.append(self._start("keeper", self._keeper))
            return
        for number, seat in enumerate(seats, 1):
            self._beside.append(self._start(f"app-{number}", self._follower, seat))

    def run(self) -> None:
        """Serve until `look_up` says that it is time to leave.

        Raises what a thread of ours raised, and the SystemExit of a signal handler.
        """
        try:
            if len(self.crew.seats) == 1:
                self.crew.sit(self.crew.seats[0])
                self._may_begin.set()
                self.lead(self.crew.seats[0])
            else:
                self.crew.sit(self.crew.keeper)
                self._may_begin.set()
                self.keep_while_needed()
        finally:
            self.crew.stop()
            # Threads in the application stay there until it lets them go; they find that they
            # are not needed any more, and the process does not wait for them.
            busy = {ident for ident, _since, _line in self.crew.running()}
            deadline = clock.now() + KEEPER_SECONDS
            for thread in self._beside:
                if thread.ident not in busy:
                    thread.join(max(0.0, deadline - clock.now()))
        if self.failure is not None:
            raise self.failure

    def lead(self, seat: Seat) -> None:
        """Wait for events and serve them, while this thread leads; else go on with what is its."""
        poll, turn = self.poller.poll, self.hub.turn
        timeout = turn([], seat)
        while timeout != LOST_LEAD:
            if timeout < 0.0:
                if self._look_up(seat):
                    self.crew.stop()
                    return
                timeout = 0.0
            timeout = turn(poll(timeout), seat)

    def keep(self, seat: Seat) -> None:
        """Lead while every application thread is in the application.

        The wait ends, too, when one of them comes back.
        """
        poll, turn = self.poller.poll, self.hub.turn
        waiter = unpatched.make_poll()
        waiter.register(self.poller.fileno(), select.POLLIN)
        waiter.register(seat.fileno(), select.POLLIN)
        timeout = turn([], seat)
        while timeout != LOST_LEAD:
            if timeout < 0.0:
                if self._look_up(seat):
                    if len(self.crew.seats) > 1:
                        self.crew.stop()
                        return
                    self.hub.look_up_in(LOOK_UP_AGAIN)  # the main thread has to see it
                timeout = 0.0
            for descriptor, _events in waiter.poll(math.ceil(timeout * 1000)):
                if descriptor == seat.fileno():
                    self.crew.clear(seat)
            timeout = turn(poll(0.0), seat)

    def keep_while_needed(self) -> None:
        """Be the keeper until the end."""
        seat = self.crew.keeper
        while self.crew.park(seat):
            self.keep(seat)

    def _keeper(self) -> None:
        self.crew.sit(self.crew.keeper)
        self.keep_while_needed()

    def _follower(self, seat: Seat) -> None:
        self.crew.sit(seat)
        while self.crew.park(seat):
            self.lead(seat)

    def _look_up(self, seat: Seat) -> bool:
        self.crew.attend(seat)
        try:
            return self.look_up()
        finally:
            self.crew.leave()

    def _start(self, name: str, run: Callable[..., None], *args: Seat) -> threading.Thread:
        def run_guarded() -> None:
            self._may_begin.wait()
            try:
                run(*args)
            except BaseException as error:
                forks.leave_if_foreign(error)
                if not self.crew.stopping:
                    log.exception("Thread %s failed", name)
                    self.failure = error
                self.crew.stop()

        thread = CrewThread(target=run_guarded, name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            raise OSError(errno.EAGAIN, f"thread {name}: {error}") from None
        thread.is_crew = True
        return thread
