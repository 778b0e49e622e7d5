"""The program as it was started, to be started again: what an upgrade executes.

What the old program leaves to the new one goes through one environment variable, which is
taken out of the environment at once, so that nothing the application starts can find it.  It
names descriptors as they are.  (LISTEN_FDS of systemd cannot: it promises that they begin at 3
and belong to LISTEN_PID.)

Runs in: arbiter
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from fastfork.process.notify import pass_on_watchdog
from fastfork.process.place import start_directory, through_link
from fastfork.records import field, record

VARIABLE: Final = "FASTFORK_UPGRADE"
# Of socket activation (sd_listen_fds(3)); meant for the process that systemd started.
NOT_INHERITED: Final = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID")


@record(frozen=True)
class Inheritance:
    """What the old program leaves.

    predecessor: its pid.  sockets: (address as configured, descriptors that listen there).
    """

    predecessor: int
    sockets: tuple[tuple[str, tuple[int, ...]], ...]

    def to_text(self) -> str:
        """Return it as the environment variable has it."""
        import json  # here: only an upgrade needs it

        return json.dumps([self.predecessor, self.sockets])

    @classmethod
    def from_text(cls, text: str) -> Inheritance | None:
        """Return what `to_text` has made a text of; None for what is no such text."""
        import json  # here: only an upgrade needs it

        with suppress(ValueError, TypeError):
            predecessor, sockets = json.loads(text)
            return cls(
                int(predecessor),
                tuple((str(asked), tuple(int(fd) for fd in fds)) for asked, fds in sockets),
            )
        return None


@record(frozen=True)
class Program:
    """How this process was started.  inheritance: set when it takes over from another one."""

    executable: str
    arguments: tuple[str, ...]
    directory: str
    environ: dict[str, str] = field(repr=False)
    inheritance: Inheritance | None = None

    @classmethod
    def current(cls) -> Program:
        """This process, before it has changed anything.  Takes VARIABLE out of os.environ."""
        text = os.environ.pop(VARIABLE, "")
        executable = sys.executable
        try:
            directory = start_directory(os.environ)
            # Python has made a path of it that does not lead through a link any more.
            executable = through_link(executable, directory, os.getcwd())
        except OSError:
            directory = "/"  # removed; the loader of the settings complains of it
        return cls(
            executable=executable,
            arguments=tuple(sys.orig_argv[1:]),
            directory=directory,
            environ=dict(os.environ),
            inheritance=Inheritance.from_text(text) if text else None,
        )

    def execute(self, inheritance: Inheritance) -> None:
        """Become this program anew; returns only by OSError.

        The descriptors that it inherits stay open, all others that are close-on-exec do not.
        """
        for _asked, descriptors in inheritance.sockets:
            _keep_open(descriptors)
        environ = {name: text for name, text in self.environ.items() if name not in NOT_INHERITED}
        environ[VARIABLE] = inheritance.to_text()
        pass_on_watchdog(environ, os.getpid())
        try:
            os.chdir(self.directory)
        except OSError as error:
            why = f"{error.strerror}: {self.directory}, where it was started"
            raise OSError(error.errno, why) from None
        os.execve(self.executable, [self.executable, *self.arguments], environ)  # noqa: S606


def _keep_open(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.set_inheritable(descriptor, True)
