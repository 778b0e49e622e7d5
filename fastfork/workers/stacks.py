"""Where every thread of this process is, as text for the log.

Runs in: worker
"""

from __future__ import annotations

import sys
import threading
import traceback


def all_stacks() -> str:
    """The stack of each thread with its name, the main thread last, where a reader looks."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    main = threading.main_thread().ident
    frames = sorted(sys._current_frames().items(), key=lambda item: item[0] == main)
    return "\n".join(
        f"Thread {names.get(ident, ident)}, most recent call last:\n"
        + "".join(traceback.format_stack(frame)).rstrip()
        for ident, frame in frames
    )
