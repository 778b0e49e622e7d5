"""What the handlers of the server write to: a file that can be reopened, or a standard stream.

They look like text streams to applications that borrow them, and never raise OSError.

Runs in: both
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from fastfork.errors import ConfigError
from fastfork.process import streams

from .bounded_writer import BoundedWriter, Unwritten, own_descriptor

__all__ = ["LogFile", "LogStream", "Standard", "StandardError", "open_descriptor"]


class LogStream:
    """A text stream of lines."""

    writer: BoundedWriter | None = None

    def put(self, text: str) -> Unwritten | None:
        """Write `text`, which ends a line; returns what was lost."""
        return None if self.writer is None else self.writer.write(_encoded(text))

    def look(self) -> None:
        """See whether what is written to has been exchanged."""

    def write(self, text: str) -> int:
        """Write `text`."""
        self.put(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of `lines`."""
        self.write("".join(lines))

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def fileno(self) -> int:
        """Return the descriptor; 2 when there is none."""
        return 2 if self.writer is None else self.writer.fd

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return os.isatty(self.fileno())

    def close(self) -> None:
        """Close the descriptor; once more does nothing."""
        if self.writer is not None:
            self.writer.close()


class LogFile(LogStream):
    """A file that is appended to at once: what a full disk refuses is not kept for later.

    setting: that names the path.  Raises ConfigError when the path cannot be opened.
    """

    writer: BoundedWriter

    def __init__(self, path: str, setting: str = "errorlog") -> None:
        self._setting = setting
        # The application may change the directory.
        self._path = os.path.abspath(path)
        self.writer = BoundedWriter(open_descriptor(path, setting))

    def reopen(self) -> None:
        """Go on in the file that is at the path now.  Raises ConfigError; the old one stays
        then."""
        _exchange(self.writer, open_descriptor(self._path, self._setting))


class Standard(LogStream):
    """Standard output or error, by a descriptor of our own.

    number() -> int: where it is.  An application may close that, and then it may be a client's
    connection; but who puts something else there by dup2(2) means what we write, too.
    """

    def __init__(self, number: Callable[[], int] = streams.standard_output) -> None:
        self._number = number
        self._seen: tuple[int, int] | None = None
        with suppress(OSError):  # it is closed: nobody is told anything
            self.writer = BoundedWriter(own_descriptor(number()))
            self._seen = _identity(os.fstat(number()))

    def put(self, text: str) -> Unwritten | None:
        """Write `text`, to where the number leads now."""
        self.look()
        return super().put(text)

    def look(self) -> None:
        """Follow the number, when it leads to another place that can be meant."""
        number = self._number()
        with suppress(OSError):
            facts = os.fstat(number)
            # What Python opens is not inherited (PEP 446), what stands for a standard stream is.
            is_meant = number > 2 or os.get_inheritable(number)
            if not is_meant or _identity(facts) == self._seen or stat.S_ISSOCK(facts.st_mode):
                return
            if self.writer is None:
                self.writer = BoundedWriter(own_descriptor(number))
            else:
                _exchange(self.writer, own_descriptor(number))
            self._seen = _identity(facts)


class StandardError(Standard):
    """Standard error.

    What has replaced sys.stderr in Python, and has no descriptor, is written to as it is.
    """

    def __init__(self) -> None:
        self._text: Any = sys.stderr
        try:
            number = int(self._text.fileno())
        except (OSError, ValueError, AttributeError):
            return
        super().__init__(lambda: number)

    def put(self, text: str) -> Unwritten | None:
        """Write lines."""
        if self.writer is not None:
            return super().put(text)
        try:
            if self._text is not None:
                self._text.write(text)
        except (OSError, ValueError) as error:
            return Unwritten(text.count("\n"), OSError(str(error)))
        return None

    def look(self) -> None:
        """Follow the number."""
        if self.writer is not None:
            super().look()


def open_descriptor(path: str, setting: str) -> int:
    """Return a descriptor to append to `path`, close-on-exec.  Raises ConfigError.

    O_APPEND lets several processes write one file without overwriting each other (open(2)).
    O_NONBLOCK keeps a FIFO that nobody reads from holding up the start, and a full one from
    holding up who writes; a plain file knows no such thing.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
    try:
        return os.open(path, flags, 0o666)
    except OSError as error:
        raise ConfigError(
            f"{setting}: cannot open {path!r}: {error.strerror}; write a path in a directory "
            "that exists and may be written, or -"
        ) from None


def _exchange(writer: BoundedWriter, fd: int) -> None:
    """Let `writer` write to what `fd` is, which is closed.

    The descriptor keeps its number: a signal handler may call this in the middle of a write(2).
    """
    os.dup2(fd, writer.fd, inheritable=False)
    os.close(fd)
    writer.look_again()


def _identity(facts: os.stat_result) -> tuple[int, int]:
    return facts.st_dev, facts.st_ino


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
