"""Files without a name, for what is too large to stay in memory.

Runs in: worker
"""

from __future__ import annotations

import errno
import os
from typing import IO

__all__ = ["unnamed_file"]


def unnamed_file(prefix: str, directory: str | None) -> IO[bytes]:
    """Open what tempfile.TemporaryFile opens, which is loaded by whoever comes first.  Raises
    OSError."""
    try:
        import tempfile  # here: most workers never have a body of that size
    except ImportError:  # it is there; without a free descriptor it is not found
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE)) from None
    return tempfile.TemporaryFile(dir=directory, prefix=prefix)
