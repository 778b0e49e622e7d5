"""The end of a process: in time, with its parent, or as the interpreter ends.

Runs in: both
"""

from libc.stdint cimport int64_t

from cpython.ref cimport Py_INCREF

import os

cdef extern from "Python.h":
    int PyErr_SetInterruptEx(int signum) nogil
    void Py_Exit(int code)


cdef void _tell(int signum) noexcept nogil:
    PyErr_SetInterruptEx(signum)  # documented as async-signal-safe


def watch_parent(*, int death, int told, int dump, int parent, double seconds, double margin):
    """When the signal `death` says that `parent` has died: be told, by the handler of `told`, and
    end in `seconds`, with SIGKILL `margin` after that; the signal `dump` comes between the two.

    Raises OSError where the system cannot do that."""
    cdef ff_orphan orphan
    cdef int error
    orphan.death = death
    orphan.dump = dump
    orphan.parent = parent
    orphan.dump_ns = <int64_t>((seconds + margin / 2) * 1e9)
    orphan.kill_ns = <int64_t>((seconds + margin) * 1e9)
    orphan.tell = _tell
    orphan.told = told
    error = ff_orphan_watch(&orphan)
    if error:
        raise OSError(error, os.strerror(error))


def end_in(double seconds):
    """End this process by SIGKILL then, if it is still there; the earliest counts."""
    ff_orphan_end_in(<int64_t>(seconds * 1e9))


def set_option(int option, unsigned long value):
    """prctl(2) of this process.  Whether it has been done; False elsewhere than on Linux."""
    return ff_process_option(option, value) == 0


def exit_process(list held not None, int code):
    """End as the interpreter does, and do not come back.  held: what it must not take down."""
    Py_INCREF(held)
    Py_Exit(code)
