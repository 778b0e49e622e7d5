"""`spew`: prints each line of Python that is executed, the last resort of debugging.

Runs in: worker
"""

from __future__ import annotations

import linecache
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed import TraceFunction

__all__ = ["start"]

_OURS: Final = str(Path(__file__).resolve().parents[1])
# What has no source (<frozen importlib>, <string>), and linecache, which would trace itself.
_SILENT: Final = ("<", _OURS, linecache.__file__)


def start() -> None:
    """Trace this thread and those that it starts; a fork goes on with it."""
    threading.settrace(_trace)
    sys.settrace(_trace)


def _trace(frame: FrameType, event: str, _: object) -> TraceFunction | None:
    """Python calls it at each new frame, and what it returns at each line of that frame."""
    path = frame.f_code.co_filename
    if path.startswith(_SILENT):
        return None
    if event == "line":
        number = frame.f_lineno
        source = linecache.getline(path, number).rstrip()
        print(f"{path}:{number}: {source}", file=sys.stderr)
    return _trace
