"""The application as the settings ask for it, and `spew`, the last resort of debugging.

Runs in: worker
"""

from __future__ import annotations

import linecache
import os
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING, Final, cast

import fastfork
from fastfork.wsgi.loader import load_app, load_asgi

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from _typeshed import TraceFunction

    from fastfork.config import Config

__all__ = ["load"]

# Not traced: ours, what has no source (<frozen importlib>, <string>), and linecache, which would
# trace itself.
_SILENT: Final = ("<", os.path.dirname(os.path.realpath(fastfork.__file__)), linecache.__file__)


def load(cfg: Config) -> WSGIApplication:
    """Return the application that `cfg` names, as it is to be called.  Raises BootError."""
    if cfg.spew:
        _spew()
    if cfg.worker_class == "asgi":
        return cast("WSGIApplication", load_asgi(cfg.wsgi_app or ""))
    return load_app(cfg.wsgi_app or "")


def _spew() -> None:
    """Print each line of Python that this thread executes, and those that it starts.

    A fork goes on with it.
    """
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
