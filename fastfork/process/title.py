"""The name that ps(1) and top(1) show.

Runs in: both
"""

from __future__ import annotations

import importlib
from contextlib import suppress
from functools import cache
from types import ModuleType

from fastfork import port

# Writing it is prctl(PR_SET_NAME) for the main thread (proc_pid_comm(5)).  Linux only;
# elsewhere the name stays.
COMM = f"{port.PROC}/self/comm"
# Role -> the title that it had by us.  One entry: a fork gives a new role, and a new title.
_shown: dict[str, str] = {}


def set_title(role: str, proc_name: str | None, app: str | None, state: str = "") -> None:
    """Show `fastfork: ROLE [NAME] STATE` if setproctitle is there, NAME being `proc_name` or `app`.

    Else only a `proc_name` is shown, as the short name; without one `pgrep fastfork` works.
    role: "arbiter", "worker 2", ...  state: what it is doing; call again when that changes.
    A title that a hook or the application has set since the last call stays.
    """
    library = _setproctitle()
    if library is None:
        if proc_name is not None:
            _set_short_name(proc_name)
        return
    name = proc_name or app
    words = ("fastfork:", role, f"[{name}]" if name else "", state)
    text = " ".join(filter(None, words))
    before = _shown.get(role)
    if before is None or before == library.getproctitle():
        library.setproctitle(text)
        # What is shown may be cut: there is room for as much as the command line had.
        _shown.clear()
        _shown[role] = library.getproctitle()


@cache  # the short name has no state in it: once is enough
def _set_short_name(name: str) -> None:
    """Set at most 15 bytes of `name`; the kernel cuts the rest (prctl(2))."""
    with suppress(OSError), open(COMM, "wb") as file:
        file.write(name.encode("utf-8", "replace"))


@cache
def _setproctitle() -> ModuleType | None:
    """Return what writes the title.  Looked for once: a search of sys.path is nothing for every
    tick."""
    try:
        return importlib.import_module("setproctitle")
    except ImportError:
        return None
