"""Words of the scoreboard that say whether what stands beside them may be read (published.h).

Runs in: both
"""

from fastfork._core.words cimport words_of


cdef int64_t *_word(object words, Py_ssize_t at) except NULL:
    """Where it is.  Raises what the memoryview raises for such an index."""
    view = memoryview(words)
    view[at]
    if view.itemsize != sizeof(int64_t) or at < 0:
        raise TypeError("words have 64 bits, and are counted from 0")
    return words_of(view, at + 1) + at


def publish(words, Py_ssize_t at, int64_t value):
    """Write this word when all that was written before is there, and before what follows."""
    ff_publish(_word(words, at), value)


def look(words, Py_ssize_t at):
    """Read this word after all that was read before, and before what follows."""
    return ff_look(_word(words, at))
