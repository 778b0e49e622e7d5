"""The name that ps(1) and top(1) show.

Runs in: both
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

# Writing it is prctl(PR_SET_NAME) for the main thread (proc_pid_comm(5)).  Linux only;
# elsewhere the name stays.
COMM = Path("/proc/self/comm")


def set_title(role: str, proc_name: str | None, app: str | None, state: str = "") -> None:
    """Show `fastfork: ROLE [NAME] STATE` if setproctitle is there, NAME being `proc_name` or `app`.

    Else only a `proc_name` is shown, as the short name; without one `pgrep fastfork` works.
    role: "arbiter", "worker 2", ...  state: what it is doing; call again when that changes.
    """
    write = _setproctitle()
    if write is None:
        if proc_name is not None:
            _set_short_name(proc_name)
        return
    name = proc_name or app
    words = ("fastfork:", role, f"[{name}]" if name else "", state)
    write(" ".join(filter(None, words)))


@cache  # the short name has no state in it: once is enough
def _set_short_name(name: str) -> None:
    """Set at most 15 bytes of `name`; the kernel cuts the rest (prctl(2))."""
    with suppress(OSError):
        COMM.write_bytes(name.encode("utf-8", "replace"))


@cache
def _setproctitle() -> Callable[[str], object] | None:
    """What writes the title.  Looked for once: a search of sys.path is nothing for every tick."""
    try:
        found: Callable[[str], object] = importlib.import_module("setproctitle").setproctitle
    except ImportError:
        return None
    return found
