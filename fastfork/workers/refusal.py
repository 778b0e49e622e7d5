"""Calls that the system does not make for a worker: which of them it cannot do without, and why.

Runs in: worker
"""

from __future__ import annotations

import errno
import os
import traceback
from types import MappingProxyType
from typing import Final

from fastfork.errors import SystemCallRefused

__all__ = ["cause_of", "is_refusal"]

# What a filter of seccomp(2) answers.  None of the calls of a loop fails so when it is allowed.
REFUSALS: Final = frozenset({errno.EPERM, errno.EACCES, errno.ENOSYS})

HINTS: Final = MappingProxyType(
    {
        errno.EMFILE: "raise the limit of open files (`ulimit -n`, LimitNOFILE= of the unit)",
        errno.ENFILE: "the machine has no more descriptors (sysctl fs.file-max)",
        errno.EAGAIN: "raise the limit of threads and processes (`ulimit -u`, TasksMax= of the "
        "unit, pids.max of the container)",
        errno.ENOMEM: "there is no memory left",
        **dict.fromkeys(REFUSALS, "a seccomp profile of the container may refuse it: allow it"),
    }
)


def is_refusal(error: BaseException) -> bool:
    """Whether the system will go on to say no."""
    if isinstance(error, SystemCallRefused):
        return True
    return isinstance(error, OSError) and error.errno in REFUSALS


def cause_of(error: BaseException) -> str:
    """What failed, where, and what to do about it; one line."""
    if not isinstance(error, OSError):
        return str(error)
    where = ""
    for frame in traceback.extract_tb(error.__traceback__)[-1:]:
        where = f" ({os.path.basename(frame.filename)}: {frame.line or frame.name})"
    hint = HINTS.get(error.errno or 0)
    said = f"{error.strerror or error}{where}"
    return f"{said}; {hint}" if hint else said
