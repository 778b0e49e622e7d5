"""What can go wrong, and what each thing means to the client or the shell.

An error of the peer carries the status to answer (`HttpError.status`); an error of the
user carries the exit code (`StartError.exit_code`).  Nobody asks `isinstance` to find
either number.

Runs in: both
"""

from __future__ import annotations


class FastforkError(Exception):
    """Everything this package raises on purpose."""


class BugError(FastforkError):
    """A state that cannot happen, did.  Please report it."""


class HttpError(FastforkError):
    """The peer broke the protocol; `status` is what to answer (RFC 9110 section 15).

    `received` keeps the first bytes that were refused: enough to log, too few to flood.
    """

    def __init__(self, status: int, detail: str, *, received: bytes = b"") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.received = received[:64]


class StartError(FastforkError):
    """The server cannot start, or cannot go on; `exit_code` is what the shell sees."""

    exit_code = 1


class ServerFailed(StartError):
    """A server that was started from code did not start, or ended with this exit code.

    log: what it wrote, as far as whoever started it can know.
    """

    def __init__(self, detail: str, *, exit_code: int = 1, log: str = "") -> None:
        super().__init__(detail)
        self.exit_code = exit_code
        self.log = log


class ConfigError(StartError):
    """A setting is wrong.  The text has one line for each bad value, with its origin."""


class BadAddress(ConfigError):
    """A `bind` that is not HOST:PORT, [v6]:PORT, unix:PATH or fd://N."""


class BootError(StartError):
    """A worker could not load the application (same number as gunicorn)."""

    exit_code = 3


class SystemCallRefused(BootError):
    """The system refuses a call that a worker cannot do without, as a filter of seccomp(2) does."""

    def __init__(self, call: str, error: OSError) -> None:
        super().__init__(
            f"the system refuses {call} ({error.strerror or error}), without which nobody can be "
            "served; perhaps a seccomp profile of the container does: allow it there"
        )


class AppImportFailed(BootError):
    """The application's module raised while it was imported.

    `traceback_text` begins at the user's first frame.
    """

    def __init__(self, detail: str, *, traceback_text: str = "") -> None:
        super().__init__(detail)
        self.traceback_text = traceback_text


class AppNotFound(BootError):
    """`MODULE:APP` names nothing that can be called (same number as gunicorn)."""

    exit_code = 4


class HookFailed(AppImportFailed):
    """A hook without which a worker must not serve raised."""


class StartupFailed(AppImportFailed):
    """An ASGI application has said that it cannot start, or has not said that it has.

    `traceback_text` is what it sent beyond one line, or the traceback of what it raised.
    """


class OptionError(FastforkError):
    """Options that cannot be understood, in one line."""


class ClientDisconnected(FastforkError, OSError):
    """The client of an ASGI application has left; what is sent to it goes nowhere."""
