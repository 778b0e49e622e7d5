"""Where every thread of this process is, as text for the log.

Runs in: worker
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from types import CodeType, FrameType
from typing import Final

from fastfork import unpatched

HERE: Final = os.path.join(os.path.dirname(__file__), "")


def all_stacks(main_frame: FrameType | None, since: CodeType) -> str:
    """The stack of each thread with its name, the main thread last, where a reader looks.

    Called in the main thread.  main_frame: where that was interrupted.  since: its frames up to
    the one that runs this code are left out, as they are the same in every worker.
    """
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    main = unpatched.thread_ident()
    texts = [
        _stack(names.get(ident, str(ident)), traceback.extract_stack(frame))
        for ident, frame in sys._current_frames().items()
        if ident != main
    ]
    frames = list(traceback.walk_stack(main_frame))  # innermost first
    codes = [frame.f_code for frame, _line in frames]
    kept = frames[: codes.index(since)] if since in codes else frames
    summary = traceback.StackSummary.extract(iter(reversed(kept)))
    return "\n".join([*texts, _stack("MainThread", summary)])


def stack_of(ident: int) -> str:
    """The stack of one thread from where the application begins, '' when it has ended."""
    frame = sys._current_frames().get(ident)
    if frame is None:
        return ""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = traceback.extract_stack(frame)
    ours = [index for index, one in enumerate(frames) if one.filename.startswith(HERE)]
    frames = traceback.StackSummary.from_list(frames[ours[-1] + 1 if ours else 0 :])
    return _stack(names.get(ident, str(ident)), frames)


def _stack(name: str, summary: traceback.StackSummary) -> str:
    lines = "".join(summary.format()).rstrip()
    return f"Thread {name}, most recent call last:\n{lines}"
