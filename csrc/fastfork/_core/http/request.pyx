"""One request: what is known of it while it is received and answered.

A connection that speaks HTTP/1.1 has one of these for all its requests, which come one after the
other.  A protocol with many requests at a time has one for each.

Runs in: worker
"""

cimport cython


@cython.final
cdef class Request:
    """What is known of a request.  Who speaks the protocol fills it in; `Answering` and the writer
    of its response read it."""
