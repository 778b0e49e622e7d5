"""Is a line of a log safe as it is?  One pass that the compiler makes of vector instructions;
str.isprintable() looks each character up in the tables of Unicode.

Runs in: worker
"""

from libc.stdint cimport uint8_t, uint32_t

from fastfork._core.text cimport PyUnicode_DATA, PyUnicode_GET_LENGTH

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)


cdef bint has_unsafe(const uint8_t *p, uint32_t n) noexcept nogil:
    """A control character, DEL or a backslash?"""
    cdef uint8_t found = 0
    cdef uint32_t i
    for i in range(n):
        found |= (p[i] < 0x20) | (p[i] == 0x7F) | (p[i] == b'\\')
    return found != 0


cdef uint32_t quotes_in(const uint8_t *p, uint32_t n) noexcept nogil:
    cdef uint32_t count = 0, i
    for i in range(n):
        count += p[i] == b'"'
    return count


def is_plain(str text not None, uint32_t quotes, uint32_t longest):
    """Whether `text` is printable ASCII without a backslash, with exactly so many double quotes,
    and at most `longest` characters."""
    cdef const uint8_t *p
    cdef Py_ssize_t n = PyUnicode_GET_LENGTH(text)
    if n > longest or not PyUnicode_IS_ASCII(text):
        return False
    p = <const uint8_t *>PyUnicode_DATA(text)
    return not has_unsafe(p, <uint32_t>n) and quotes_in(p, <uint32_t>n) == quotes
