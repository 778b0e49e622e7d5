# Memory of others, by pointer.  Not by Cython's typed memoryviews: each module that knows one, or a
# class that has one, gets 130 KiB of code and four types of its own for it.
from cpython.buffer cimport Py_buffer
from libc.stdint cimport int64_t


cdef extern from "Python.h":
    Py_buffer *PyMemoryView_GET_BUFFER(object view)


cdef inline int64_t *words_of(object view, Py_ssize_t least, bint writes=True) except NULL:
    """The words of a memoryview, which the caller keeps for as long as it uses them.

    least: words that there have to be.  Raises ValueError, and TypeError for what has gaps.
    """
    cdef Py_buffer *buffer
    bytewise = memoryview(view).cast("B")  # says whether it is in one piece
    buffer = PyMemoryView_GET_BUFFER(bytewise)
    if writes and buffer.readonly:
        raise ValueError("the memory is read-only")
    if buffer.len < least * <Py_ssize_t>sizeof(int64_t):
        raise ValueError(f"there are {buffer.len} bytes, not {least * sizeof(int64_t)}")
    return <int64_t *>buffer.buf
