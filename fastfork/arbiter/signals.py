"""The table of signals: what each means to the arbiter, and its name for people.

From it come the handlers, the documentation and the tests.

Runs in: arbiter
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from fastfork.records import record


class Actions(Protocol):
    """What an arbiter can be told to do.  Each returns at once; the loop does the work."""

    def stop(self) -> None: ...  # noqa: D102
    def quit(self) -> None: ...  # noqa: D102
    def reload(self) -> None: ...  # noqa: D102
    def reopen(self) -> None: ...  # noqa: D102
    def more(self) -> None: ...  # noqa: D102
    def fewer(self) -> None: ...  # noqa: D102
    def rest(self) -> None: ...  # noqa: D102
    def upgrade(self) -> None: ...  # noqa: D102


@record(frozen=True)
class Action:
    """name: the word for it, '' when only the kernel sends it.  help: one sentence."""

    name: str
    run: Callable[[Actions], None]
    help: str


SIGNALS: Final[Mapping[int, Action]] = MappingProxyType(
    {
        signal.SIGTERM: Action(
            "stop", lambda arbiter: arbiter.stop(), "Finish running requests, then exit."
        ),
        signal.SIGINT: Action(
            "quit", lambda arbiter: arbiter.quit(), "Exit now; running requests are cut."
        ),
        signal.SIGQUIT: Action(
            "quit", lambda arbiter: arbiter.quit(), "Exit now; running requests are cut."
        ),
        signal.SIGHUP: Action(
            "reload",
            lambda arbiter: arbiter.reload(),
            "Re-read the settings; replace the workers one at a time.",
        ),
        signal.SIGUSR1: Action("reopen", lambda arbiter: arbiter.reopen(), "Reopen log files."),
        signal.SIGTTIN: Action("more", lambda arbiter: arbiter.more(), "One worker more."),
        signal.SIGTTOU: Action("fewer", lambda arbiter: arbiter.fewer(), "One worker fewer."),
        signal.SIGUSR2: Action(
            "upgrade",
            lambda arbiter: arbiter.upgrade(),
            "Start a new arbiter of the new program on the same sockets.",
        ),
        signal.SIGWINCH: Action(
            "rest",
            lambda arbiter: arbiter.rest(),
            "Let every worker finish and go, keep the arbiter; SIGHUP brings them back.",
        ),
        # Its note only ends the wait: the loop reaps in every turn anyway.
        signal.SIGCHLD: Action("", lambda _arbiter: None, "A child exited (sent by the kernel)."),
    }
)
