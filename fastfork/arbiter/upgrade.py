"""Upgrade: a new program on the same sockets, while the old one serves on.

SIGUSR2 starts the new arbiter as a child.  Both serve until somebody stops one of them: the old
one, and the new one takes its place and its pid file; or the new one, and nothing has happened.

Runs in: arbiter
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from fastfork import unpatched
from fastfork.arbiter.forking.spawn import held_back
from fastfork.errors import ConfigError, StartError
from fastfork.net import Endpoints, Inherited
from fastfork.process import parent, streams
from fastfork.process.program import Inheritance, Program

if TYPE_CHECKING:
    from fastfork.process.pidfile import PidFile

log = logging.getLogger("fastfork.error")

ADMIN_PREFIX: Final = "admin "  # of an inherited socket that is not for workers
CANNOT_EXECUTE: Final = 126  # as shells say it
NEW_SUFFIX: Final = ".2"  # of the pid file while both are there, as gunicorn's


class Upgrade:
    """Both ends: what this arbiter has started, and what it was started by.

    successor: pid of the new arbiter, None when there is none.
    """

    def __init__(self, program: Program) -> None:
        self.successor: int | None = None
        self._pidfile: PidFile | None = None
        self._pidfile_name: str | None = None
        self._program = program
        inheritance = program.inheritance
        self._predecessor = None if inheritance is None else inheritance.predecessor

    # -- the old one

    def start(
        self,
        endpoints: Endpoints,
        admin: Endpoints,
        signums: Iterable[int],
        pre_exec: Callable[[], None],
    ) -> bool:
        """Start the new arbiter.  Returns False, with a line in the log, when that cannot be.

        admin: the endpoints of `admin_bind`.
        """
        if self.successor is not None:
            log.warning("SIGUSR2: an upgrade is under way already (pid: %d)", self.successor)
            return False
        if self.has_predecessor():
            log.warning(
                "SIGUSR2: this is the new program of an upgrade; stop the old one first (pid: %d)",
                self._predecessor,
            )
            return False
        inheritance = Inheritance(
            os.getpid(),
            tuple(
                (
                    prefix + str(endpoint.asked),
                    tuple(one.sock.fileno() for one in endpoint.listeners),
                )
                for prefix, group in (("", endpoints), (ADMIN_PREFIX, admin))
                for endpoint in group.all
            ),
        )
        signums = frozenset(signums)
        try:
            with held_back(signums):
                self.successor = unpatched.fork()
                if self.successor == 0:
                    self._become(inheritance, signums, pre_exec)
        except OSError as error:
            self.successor = None
            log.error("SIGUSR2: cannot start the new program: %s", error.strerror)
            return False
        log.info("Upgrading; the new arbiter is process %d", self.successor)
        return True

    def _become(
        self, inheritance: Inheritance, signums: Iterable[int], pre_exec: Callable[[], None]
    ) -> None:
        """Runs in: the fork that becomes the new program."""
        try:
            pre_exec()
            signal.set_wakeup_fd(-1)
            for signum in signums:
                signal.signal(signum, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, signums)
            streams.release()
            self._program.execute(inheritance)
        except OSError as error:
            log.error("Cannot execute %s: %s", self._program.executable, error.strerror)
        finally:
            os._exit(CANNOT_EXECUTE)

    def ended(self, status: int) -> None:
        """The new arbiter has ended, and we are still there."""
        code = os.waitstatus_to_exitcode(status)
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        log.error("The new arbiter ended (%s, pid: %s); this one serves on", how, self.successor)
        self.successor = None

    # -- the new one

    def inherited_sockets(self, *, admin: bool = False) -> Inherited:
        """Return what the old arbiter has left to us.  admin: for `admin_bind`."""
        inheritance = self._program.inheritance
        return [
            (asked.removeprefix(ADMIN_PREFIX), descriptors)
            for asked, descriptors in (inheritance.sockets if inheritance else ())
            if asked.startswith(ADMIN_PREFIX) == admin
        ]

    def wait_for_promotion(self) -> None:
        """Have the loop woken when the old arbiter ends."""
        if self.has_predecessor():
            log.info("Taking over from process %d when that is stopped", self._predecessor)
            parent.signal_at_parents_death(signal.SIGCHLD)

    def has_predecessor(self) -> bool:
        """Return whether the arbiter that started us is still there."""
        return self._predecessor is not None and os.getppid() == self._predecessor

    @property
    def is_second(self) -> bool:
        """Whether `is_promoted_now` has not been True yet."""
        return self._predecessor is not None

    def is_promoted_now(self) -> bool:
        """True once, when the old arbiter has gone; its pid file is ours then."""
        if self._predecessor is None or self.has_predecessor():
            return False
        self._predecessor = None
        log.info("The old arbiter has gone; this one takes its place")
        if self._pidfile is not None and self._pidfile_name is not None:
            try:
                self._pidfile.move(self._pidfile_name)
            except OSError as error:
                log.error("pidfile: cannot rename %s: %s", self._pidfile.path, error.strerror)
        return True

    # -- both

    def check_pidfile(self, path: str | None) -> None:
        """Raise StartError when another server has the pid file at `path`; None = no file.

        As long as the old arbiter lives, ours is the one beside it.
        """
        if path is not None:
            from fastfork.process.pidfile import PidFile  # here: many servers have none

            self._pidfile_name = path
            self._pidfile = PidFile(path + NEW_SUFFIX if self.has_predecessor() else path)
            self._pidfile.check()

    def write_pidfile(self) -> None:
        """Record this process.  Raises StartError, ConfigError."""
        if self._pidfile is not None:
            self._pidfile.write()

    def follow_pidfile(self) -> None:
        """Have our file where its path leads now.  Says so when that cannot be."""
        if self._pidfile is not None:
            try:
                self._pidfile.follow()
            except (ConfigError, StartError) as error:
                log.error("%s", error)

    def remove_pidfile(self) -> None:
        """Remove our file, but leave it to a new arbiter, which is about to replace it."""
        if self._pidfile is not None and self.successor is None:
            self._pidfile.remove()

    def shares_sockets(self) -> bool:
        """Return whether another arbiter serves what waits in our sockets, and needs their
        files."""
        return self.successor is not None or self.has_predecessor()
