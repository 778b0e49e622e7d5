"""Tracebacks of the user's code, from the user's first frame.

Runs in: both
"""

from __future__ import annotations

import os
import traceback
from types import TracebackType

__all__ = ["format_user_traceback", "summary"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.realpath(__file__))) + os.sep
# Deep recursion would otherwise fill the log; the last frames tell most.
MOST_FRAMES = 200


def _is_ours(tb: TracebackType) -> bool:
    filename = tb.tb_frame.f_code.co_filename
    module = tb.tb_frame.f_globals.get("__name__", "")
    return (
        filename.startswith("<frozen importlib")
        or module in ("importlib", "importlib._bootstrap", "importlib._bootstrap_external")
        or (filename.startswith(_PACKAGE) and not module.startswith("fastfork.demo"))
    )


def format_user_traceback(error: BaseException) -> str:
    """Return the traceback of `error` without the frames before the user's first, ending in a
    newline.

    When no frame is the user's (a syntax error, a missing module) only the closing lines are
    left: they name file and line themselves.
    """
    tb = error.__traceback__
    while tb is not None and _is_ours(tb):
        tb = tb.tb_next
    told = traceback.TracebackException(type(error), error, tb, limit=-MOST_FRAMES, compact=True)
    if tb is None:
        return "".join(told.format_exception_only())
    return "".join(told.format(chain=True))


def summary(error: BaseException) -> str:
    """Return the error on one line: its type, and its text when it has one."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
