"""The cyclic collector, which finds nothing while the server's own modules are imported.

Runs in: both
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["paused"]


@contextmanager
def paused() -> Iterator[None]:
    """Import modules of ours in here, and run no code of the user's, who may have a say in this.

    What they make stays for good, and is left out of later collections as well: the first one
    would look at all of it otherwise, as soon as this ends.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
