"""`reload`, the helper process: it tells the arbiter when the application's code has changed.

Log lines and ps(1) call it the watcher.  It loads no application: which files there are, the
workers tell (ipc/modules.py).

Runs in: arbiter (in a process of its own)
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import signal
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from fastfork import forks
from fastfork.arbiter.helpers.reload_files import WatchedFiles
from fastfork.process import parent, privileges, title

if TYPE_CHECKING:
    from fastfork.config import Config
    from fastfork.ipc import ModuleList

log = logging.getLogger("fastfork.error")

POLL_SECONDS: Final = 0.5
# With events the files are still looked at now and then: for new members of globs, and for what
# sends no events (network and some container file systems).
EVENT_SECONDS: Final = 2.0
MOST_NAMED: Final = 3  # files in the log line
MESSAGE_BYTES: Final = 4096

Waiter = Callable[[WatchedFiles], None]


class ReloadProcess:
    """One such process; `run()` is its life.

    told: where to write the names of what has changed.  ring: wakes the arbiter.
    signums: the signals that the arbiter obeys.
    """

    def __init__(
        self,
        cfg: Config,
        modules: ModuleList,
        told: int,
        ring: Callable[[], None],
        close_inherited: Callable[[], None],
        signums: Collection[int],
    ) -> None:
        self._cfg = cfg
        self._modules = modules
        self._told = told
        self._ring = ring
        self._close_inherited = close_inherited
        self._signums = signums
        self._arbiter = os.getppid()
        forks.hold(self)

    def let_go(self) -> None:
        """Let go in a child that is not ours: watch nothing."""
        forks.default_signals(dict.fromkeys(self._signums, signal.SIG_IGN))
        os.close(self._told)

    def run(self) -> int:
        """Watch until the arbiter is gone.  Returns the exit code."""
        self._close_inherited()
        cfg = self._cfg
        wait = waiter(cfg.reload_engine)  # imports, which that user may not be able to
        privileges.become(cfg.user, cfg.group, initgroups=cfg.initgroups)
        parent.signal_at_parents_death(signal.SIGKILL)
        _set_handlers(self._signums)
        title.set_title("watcher", cfg.proc_name, cfg.wsgi_app)
        watch = WatchedFiles(self._modules.read, cfg.reload_extra_files, cfg.chdir)
        while os.getppid() == self._arbiter:
            if changed := watch.changed():
                changed = watch.settled(changed, time.sleep)
                # A watcher that comes after this one must not tell it again.
                self._modules.note(changed, time.time_ns())
                self._tell(changed)
            wait(watch)
        return 0

    def _tell(self, changed: list[str]) -> None:
        named = ", ".join(sorted(changed)[:MOST_NAMED])
        more = f" and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
        try:
            os.write(self._told, f"{named}{more}\n".encode("utf-8", "replace")[-MESSAGE_BYTES:])
        except BlockingIOError:
            pass  # it has not read the last ones yet, and will replace the workers anyway
        self._ring()


def waiter(engine: str) -> Waiter:
    """Return what waits for a change, or until it is time to look: events if possible, else a
    pause."""
    if engine == "poll" or importlib.util.find_spec("watchfiles") is None:
        log.info("Watching the code for changes (every %g s)", POLL_SECONDS)
        return _pause
    log.info("Watching the code for changes (watchfiles)")
    return EventWaiter(importlib.import_module("watchfiles").watch)


def _pause(_watch: WatchedFiles) -> None:
    time.sleep(POLL_SECONDS)


class EventWaiter:
    """Waits for an event in one of the directories.  events: watchfiles.watch."""

    def __init__(self, events: Callable[..., Iterable[Any]]) -> None:
        self._watch = events
        self._folders: set[str] = set()
        self._events: Iterator[Any] | None = None

    def __call__(self, watch: WatchedFiles) -> None:
        """Return after an event, or after EVENT_SECONDS."""
        try:
            if watch.folders() != self._folders or self._events is None:
                self._begin(watch.folders())
            if self._events is None:
                time.sleep(POLL_SECONDS)  # no directory yet: no worker has told us any
            else:
                next(self._events, None)
        except (OSError, RuntimeError) as error:
            # inotify(7) has limits for each user; a directory may have gone.
            log.warning("No events for the code's directories (%s); looking now and then", error)
            self._events = None
            self._folders = set()
            time.sleep(POLL_SECONDS)

    def _begin(self, folders: set[str]) -> None:
        self._folders = folders
        self._events = None
        if folders:
            self._events = iter(
                self._watch(
                    *sorted(folders),
                    watch_filter=None,
                    debounce=200,
                    step=50,
                    rust_timeout=int(EVENT_SECONDS * 1000),
                    yield_on_timeout=True,
                    recursive=False,
                    raise_interrupt=False,
                    ignore_permission_denied=True,
                )
            )


def _set_handlers(signums: Collection[int]) -> None:
    """Obey SIGKILL only, which the arbiter sends at its end; let the blocked signals in.

    Others that come are for the process group (Ctrl-C, a supervisor), and so for the arbiter.
    """
    for signum in signums:
        signal.signal(signum, signal.SIG_IGN)
    forks.take_signals(signums)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
