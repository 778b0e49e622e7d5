"""Words of the scoreboard that say whether what stands beside them may be read (published.h).

Runs in: both
"""

from cpython.buffer cimport Py_buffer
from cpython.memoryview cimport PyMemoryView_Check, PyMemoryView_GET_BUFFER


cdef int64_t *_word(object words, Py_ssize_t at) except NULL:
    """Where it is.  Raises what the memoryview raises for such an index."""
    words[at]
    if not PyMemoryView_Check(words) or at < 0:
        raise TypeError("words of a scoreboard are a memoryview, counted from 0")
    cdef Py_buffer *buffer = PyMemoryView_GET_BUFFER(words)
    if buffer.itemsize != sizeof(int64_t) or buffer.ndim != 1:
        raise TypeError("words have 64 bits")
    return <int64_t *>buffer.buf + at


def publish(words, Py_ssize_t at, int64_t value):
    """Write this word when all that was written before is there, and before what follows."""
    ff_publish(_word(words, at), value)


def look(words, Py_ssize_t at):
    """Read this word after all that was read before, and before what follows."""
    return ff_look(_word(words, at))
