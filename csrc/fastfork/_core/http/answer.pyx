"""The seam between the hub and those who answer a request instead of the application.

The hub knows these classes and no more: what answers (static.pyx) is loaded where it is used.

Runs in: worker
"""


cdef class Answer:
    pass


cdef class Answerer:

    cdef Answer ask(self, dict environ):
        """The answer to a request, None when the application is to be asked.  Never waits for a
        client, and runs no code of the application's."""
        return None
