"""The workers of one server: started, watched, told to go, buried.

What a death means for the server is the arbiter's to judge.

Runs in: arbiter
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from fastfork import clock
from fastfork.arbiter.children import stalled
from fastfork.arbiter.children.backoff import HEALTHY_AFTER, Backoff
from fastfork.arbiter.children.child import Child, Children
from fastfork.arbiter.children.memory import MemoryWatch
from fastfork.arbiter.children.plan import plan, socket_index_for
from fastfork.arbiter.children.reap import LOST, Death, is_there, meaning, reaped
from fastfork.arbiter.forking.forkserver import Job
from fastfork.arbiter.forking.spawn import HookedWorker
from fastfork.config import Config
from fastfork.ipc import Order, Scoreboard, State

log = logging.getLogger("fastfork.error")

# fork(job, view) -> pid.  Raises OSError when there can be no further process.
Fork = Callable[[Job, HookedWorker | None], int]

# A worker keeps the graceful deadline itself; the arbiter only ends those that do not.
KILL_MARGIN: Final = 0.5  # seconds


class HookCaller(Protocol):
    """Who calls the hooks, and makes what they are given for a worker."""

    def call_hook(self, name: str, *arguments: object) -> None: ...  # noqa: D102
    def new_worker(self, nr: int, age: int) -> HookedWorker | None: ...  # noqa: D102


class NoServer:
    """Calls nothing: for workers without a server around it."""

    def call_hook(self, name: str, *arguments: object) -> None:
        """See HookCaller."""

    def new_worker(self, nr: int, age: int) -> HookedWorker | None:
        """See HookCaller."""


class Workers:
    """Every worker process, and the count that is wanted.

    generation: the settings they should run with; a worker of an earlier one is replaced.
    ever_ready: whether any worker has ever loaded the application.  age: workers forked.
    socket_count: listening sockets of which each worker has one of its own (reuse_port), else 1.
    server: calls the hooks.
    """

    def __init__(self, scoreboard: Scoreboard, fork: Fork, target: int) -> None:
        self.server: HookCaller = NoServer()
        self._target = target
        self.generation = 0
        self.ever_ready = False
        self.socket_count = 1
        self.children = Children()
        self.backoff = Backoff()
        self._scoreboard = scoreboard
        self._fork = fork
        self.age = 0
        self._silence = stalled.SilenceWatch(clock.now())
        self._memory = MemoryWatch()

    @property
    def target(self) -> int:
        """How many workers are wanted; 0 after SIGWINCH."""
        return self._target

    @target.setter
    def target(self, target: int) -> None:
        before, self._target = self._target, target
        if target != before:
            self.server.call_hook("nworkers_changed", target, before)

    def aim_for(self, target: int) -> None:
        """Want this many workers, or as many as the scoreboard has room for.

        Half of it is for those that are being replaced.
        """
        self.target = min(target, self._scoreboard.capacity // 2)
        if self.target < target:
            log.warning("Workers: %d at most, until the server is restarted", self.target)

    def next_deadline(self) -> float:
        """When something is to be done without a signal; infinity when nothing is."""
        times = [self.backoff.allowed_at] if self.backoff.wait(clock.now()) else []
        for child in self.children:
            times += [t for t in (child.kill_at, stalled.next_signal_at(child)) if t is not None]
        return min(times, default=float("inf"))

    def read_scoreboard(self, cfg: Config) -> None:
        """Note who has become ready, who is healthy, who has served enough, and who leaves."""
        now = clock.now()
        for child in self.children:
            state = child.observe(now)
            if child.ready_at is None:
                continue
            self.ever_ready = True
            self._tell_ready(child)
            if child.lived(now) >= HEALTHY_AFTER:
                self.backoff.lived(child.spawned_at)
            if state == State.SPENT and not child.is_spent:
                child.is_spent = True
                log.info("Worker has served enough and is replaced (pid: %d)", child.pid)
            if state == State.DRAINING and not child.leaving:
                child.leaving = True
                child.kill_at = now + cfg.graceful_timeout + KILL_MARGIN

    def reap(self, stranger: Callable[[int, int], None]) -> Iterator[tuple[Child, Death]]:
        """Yield each worker that has ended, with its last words still on the scoreboard.

        stranger(pid, status): called for every other child.
        """
        for pid, status in reaped():
            child = self.children.pop(pid)
            if child is None:
                stranger(pid, status)
                continue
            yield self._bury(child, meaning(status, child.sent))
            child.slot.clear()
        for child in self.children:
            if not is_there(child.pid):
                self.children.pop(child.pid)
                yield self._bury(child, LOST)
                child.slot.clear()

    def _bury(self, child: Child, death: Death) -> tuple[Child, Death]:
        child.observe(clock.now())
        log.log(death.level, "Worker %s (pid: %d)%s", death.text, child.pid, _request_of(child))
        if child.view is not None:
            child.view.alive = False
            self.server.call_hook("child_exit", child.view)
            child.view.ended()
        return child, death

    def kill_stalled(self, timeout: float, request_timeout: float | None = None) -> None:
        """End workers that were silent for `timeout` seconds; 0 = wait for ever.

        request_timeout: seconds after which one is that has a single thread, and a request in it.
        """
        now = clock.now()
        self._silence.look(now)
        for child in self.children:
            if child.leaving and child.slot.state == State.EXITING:
                continue  # it ends as an interpreter does, and has a time for that
            silent = self._silence.silence(child, now)
            limit = stalled.patience(child, timeout, request_timeout)
            if limit and child.stalled_at is None and silent > limit:
                child.found_silent(now)
                log.critical(
                    "WORKER TIMEOUT (pid: %d, worker: %d): silent for %.1f s while serving: %s",
                    child.pid,
                    child.nr,
                    silent,
                    child.slot.request_line() or "no request",
                )
            stalled.escalate(child, now)

    def watch_loading(self, timeout: float, boot_timeout: float) -> None:
        """Log each worker that loads for another `timeout` seconds, end it at `boot_timeout`.

        Seconds since the fork; 0 = never.
        """
        now = clock.now()
        for child in self.children:
            if child.ready_at is not None or child.leaving:
                continue
            loading = now - child.spawned_at
            if boot_timeout and loading > boot_timeout and child.stalled_at is None:
                child.overslept = True
                child.found_silent(now)  # the way to end it is the same
                log.error(
                    "Worker has loaded the application for more than boot_timeout, %g s; it is "
                    "ended (pid: %d)",
                    boot_timeout,
                    child.pid,
                )
            elif timeout and loading > timeout * (child.loading_told + 1):
                child.loading_told = int(loading / timeout)
                log.warning(
                    "Worker is still loading the application after %.0f s (pid: %d)",
                    loading,
                    child.pid,
                )

    def watch_memory(self, max_rss: int) -> None:
        """Have workers above `max_rss` bytes replaced; 0 = no limit."""
        now = clock.now()
        for child in self._memory.look(list(self.children), max_rss, now):
            if child.lived(now) < HEALTHY_AFTER:
                # The limit is too small for the application: do not fork without end.
                self.note_failure("Workers are above max_rss soon after their start")

    def kill_overdue(self) -> None:
        """SIGKILL for each worker that did not go in the time it was given."""
        now = clock.now()
        for child in self.children:
            child.remind(now)
            if child.kill_at is not None and child.kill_at <= now:
                child.kill_at = None
                log.warning(
                    "Worker did not finish in time; killing it (pid: %d)%s",
                    child.pid,
                    _request_of(child),
                )
                child.send(signal.SIGKILL)

    def keep_count(self, cfg: Config, *, can_fork: bool = True, order: Order = Order.NONE) -> None:
        """Take the next step towards the wanted workers; see plan.py.

        order: for those that are told to go.
        """
        step = plan(self.children, self.generation, self.target, cfg.reload_parallel)
        for _ in range(step.spawn if can_fork else 0):
            if self.backoff.wait(clock.now()) or not self._spawn():
                break
        for child in step.retire:
            log.debug(
                "Worker %d is told to go (pid: %d): %s", child.nr, child.pid, self._why(child)
            )
            child.leave(signal.SIGTERM, clock.now() + cfg.graceful_timeout + KILL_MARGIN, order)

    def _why(self, child: Child) -> str:
        """Return what makes a worker superfluous, for the log."""
        if child.generation != self.generation:
            return "one with the new settings and code serves"
        if child.is_outdated(self.generation):
            return "its replacement serves"
        return f"{self.target} are wanted, and there are {len(self.children)}"

    def dismiss(self, signum: int, kill_at: float, order: Order = Order.NONE) -> None:
        """Tell every worker to go, with SIGKILL at `kill_at`."""
        for child in self.children:
            child.leave(signum, kill_at, order)

    def send(self, signum: int) -> None:
        """Signal every worker."""
        for child in self.children:
            child.send(signum)

    def outdated(self) -> int:
        """Return how many workers of earlier generations serve and are not told to go."""
        return sum(c.generation != self.generation and not c.leaving for c in self.children)

    def has_leaving(self) -> bool:
        """Return whether somebody that was told to go is still there."""
        return any(child.leaving for child in self.children)

    def replace_all(self) -> None:
        """Begin a generation: whoever runs now is to be replaced.

        Whatever made workers die before, it may be mended now: nobody waits for the back-off.
        """
        self.generation += 1
        self.backoff = Backoff()

    def dismiss_loading(self, cfg: Config) -> None:
        """Tell the workers of this generation to go that are not ready: nobody misses them."""
        for child in self.children:
            child.observe(clock.now())
            if child.generation == self.generation and child.ready_at is None:
                child.leave(signal.SIGTERM, clock.now() + cfg.graceful_timeout + KILL_MARGIN)

    def take_back(self, since: int, cfg: Config) -> list[Child]:
        """Have the generations from `since` on replaced by what ran before them.

        Workers of earlier generations stay.  Returns the later ones that serve: each is to be
        replaced, and serves until its replacement is ready.
        """
        self.dismiss_loading(cfg)
        self.generation += 1
        failed = [child for child in self.children if child.generation >= since]
        for child in self.children:
            if child.generation < since:
                child.generation = self.generation
        return [child for child in failed if not child.leaving]

    def note_failure(self, what: str = "Workers die soon after their start") -> None:
        """A worker died early: be slower with the next one, and say so when that is news.

        what: the beginning of the line.
        """
        if self.backoff.failed(clock.now()):
            log.warning("%s; the next one starts in %.1f s", what, self.backoff.delay)

    def _spawn(self) -> bool:
        """Fork one worker.  Returns False when that is not possible now."""
        nr = self.children.free_nr(self._scoreboard.capacity)
        if nr is None:
            return False
        self.age += 1
        view = self.server.new_worker(nr, self.age)
        spawned_at = clock.now()
        slot = self._scoreboard.claim(nr)
        socket_index = socket_index_for(self.children, self.generation, self.socket_count)
        try:
            pid = self._fork(Job(nr, self.age, socket_index), view)
        except OSError as error:
            log.error("Cannot start a worker: %s", error.strerror or error)
            self.note_failure()
            return False
        self.children.add(
            Child(
                pid=pid,
                nr=nr,
                age=self.age,
                generation=self.generation,
                spawned_at=spawned_at,
                slot=slot,
                view=view,
                socket_index=socket_index,
            )
        )
        if view is not None:
            view.pid, view.slot = pid, slot
        log.debug(
            "Worker %d is started (pid: %d), generation %d: %d are wanted",
            nr,
            pid,
            self.generation,
            self.target,
        )
        return True

    def _tell_ready(self, child: Child) -> None:
        """Call worker_ready, once for each worker."""
        if child.view is not None and not child.view.booted:
            child.view.booted = True
            self.server.call_hook("worker_ready", child.view)


def _request_of(child: Child) -> str:
    """Return what it was serving, as the end of a log line; '' when it was idle.  Safe to log."""
    line = child.slot.request_line()
    return f" while serving: {line}" if line else ""
