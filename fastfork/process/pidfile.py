"""The pid file: one running server a file, never a half-written number.

Runs in: arbiter
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from fastfork.errors import ConfigError, StartError


class PidFile:
    """A file that holds the arbiter's pid and a line end, mode 644."""

    def __init__(self, path: str | Path) -> None:
        # Absolute, since the working directory may change between writing and removing.
        self.path = Path(path).absolute()

    def recorded(self) -> int | None:
        """The pid in the file; None when there is no file or no number in it."""
        try:
            return int(self.path.read_text(encoding="ascii"))
        except FileNotFoundError:
            return None
        except ValueError:
            return None
        except OSError as error:
            raise ConfigError(f"pidfile: {self.path}: {error.strerror}") from None

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
        self.check()
        try:
            handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
            try:
                with os.fdopen(handle, "w", encoding="ascii") as file:
                    file.write(f"{os.getpid()}\n")
                    os.fchmod(file.fileno(), 0o644)
                Path(name).rename(self.path)
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
        self.path.rename(target)
        self.path = target

    def remove(self) -> None:
        """Unlink the file if it names this process."""
        with suppress(OSError, ConfigError):
            if self.recorded() == os.getpid():
                self.path.unlink()


def _is_alive(pid: int) -> bool:
    """Whether a process `pid` exists, as kill(2) with signal 0 tells it."""
    if pid <= 0:
        return False  # kill() would mean a group of processes
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # another user's
    return True
