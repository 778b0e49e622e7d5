"""The name that ps(1) and top(1) show.

Runs in: both
"""

from __future__ import annotations

import importlib
from contextlib import suppress
from pathlib import Path

# Writing it is prctl(PR_SET_NAME) for the main thread (proc_pid_comm(5)).  Linux only;
# elsewhere the name stays.
COMM = Path("/proc/self/comm")


def set_title(role: str, proc_name: str | None, app: str | None) -> None:
    """Show `fastfork: ROLE [NAME]` if setproctitle is installed, NAME being `proc_name` or `app`.

    Else only a `proc_name` is shown, as the short name; without one `pgrep fastfork` works.
    role: "arbiter" or "worker".
    """
    try:
        setproctitle = importlib.import_module("setproctitle")
    except ImportError:
        if proc_name is not None:
            _set_short_name(proc_name)
    else:
        name = proc_name or app
        setproctitle.setproctitle(f"fastfork: {role} [{name}]" if name else f"fastfork: {role}")


def _set_short_name(name: str) -> None:
    """Set at most 15 bytes of `name`; the kernel cuts the rest (prctl(2))."""
    with suppress(OSError):
        COMM.write_bytes(name.encode("utf-8", "replace"))
