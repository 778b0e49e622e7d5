"""The pid file: one running server a file, never a half-written number.

Runs in: arbiter
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from fastfork.errors import ConfigError, StartError


class PidFile:
    """A file that holds the arbiter's pid and a line end, mode 644."""

    def __init__(self, path: str | Path) -> None:
        # Absolute, since the working directory may change between writing and removing.
        self.path = Path(path).absolute()
        self._written = self.path

    def recorded(self) -> int | None:
        """Return the pid in the file; None when there is no file or no number in it."""
        return _recorded(self.path)

    def check(self) -> None:
        """Raise StartError when the file names a living process other than this one.

        A stale file is left for `write()` to replace.
        """
        pid = self.recorded()
        if pid is not None and pid != os.getpid() and _is_alive(pid):
            raise StartError(
                f"already running: {self.path} names process {pid}, which is alive; "
                "stop it or use another --pid"
            )

    def write(self) -> None:
        """Record this process.  Raises StartError as `check()`, ConfigError if it cannot write.

        Written aside and renamed over the old one: a reader sees a whole number, always.
        """
        import tempfile

        self.check()
        try:
            handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
            try:
                with os.fdopen(handle, "w", encoding="ascii") as file:
                    file.write(f"{os.getpid()}\n")
                    os.fchmod(file.fileno(), 0o644)
                written = _real(self.path)
                Path(name).rename(written)
                self._written = written
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise ConfigError(
                f"pidfile: cannot write {self.path}: {error.strerror}; use a directory that "
                "exists and that this user may write"
            ) from None

    def move(self, path: str | Path) -> None:
        """Give the file another name; what was there before is gone.  Raises OSError."""
        target = Path(path).absolute()
        self._written.rename(target)
        self.path, self._written = target, _real(target)

    def follow(self) -> None:
        """Write it anew where its path leads now: a symbolic link may have been switched.

        Raises as `write()`; the file is where it was then.
        """
        before = self._written
        if _real(self.path) != before:
            self.write()
            _remove(before)

    def remove(self) -> None:
        """Unlink the file if it names this process."""
        _remove(self._written)


def _recorded(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    except ValueError:
        return None
    except OSError as error:
        raise ConfigError(f"pidfile: {path}: {error.strerror}") from None


def _real(path: Path) -> Path:
    """Return the path of a file, without links on the way to it."""
    return Path(os.path.realpath(path.parent)) / path.name


def _remove(path: Path) -> None:
    with suppress(OSError, ConfigError):
        if _recorded(path) == os.getpid():
            path.unlink()


def _is_alive(pid: int) -> bool:
    """Return whether a process `pid` exists, as kill(2) with signal 0 tells it."""
    if pid <= 0:
        return False  # kill() would mean a group of processes
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # another user's
    return True
