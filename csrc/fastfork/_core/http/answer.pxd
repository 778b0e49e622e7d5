cdef class Answer:
    """What is sent instead of an application's answer."""
    cdef str status
    cdef list fields   # [(str, str), ...], not to be changed
    cdef object body   # bytes, or a FileSegment
    cdef bint is_logged


cdef class Answerer:
    """Somebody who is asked before the application."""
    cdef Answer ask(self, dict environ)
