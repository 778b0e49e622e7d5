from fastfork._core.apps.asgicall cimport AsgiCall
from fastfork._core.http.websocket cimport WebSocketCodec


cdef class WebSocketCall(AsgiCall):
    cdef WebSocketCodec codec  # None before the handshake is accepted
    cdef int refusal           # the status to refuse it with; 101 for none
    cdef list offered          # subprotocols
    cdef object agreed         # what the client and we have agreed on of compression, or None
    cdef bint has_connected    # the application knows that there is a handshake
    cdef bint is_denied        # it answers that with a response
    cdef int code              # of the end, as far as the server has brought it about; 0: see codec
    cdef str reason
    cdef bint refuses(self) except -1
    cdef dict scope_of(self, dict scope)
    cdef int _accept(self, dict message) except -1
    cdef int _send_data(self, dict message) except -1
    cdef int _put_data(self, data) except -1
    cdef int _close(self, int code, reason) except -1
    cdef int _closing_begins(self) except -1
    cdef int _control(self) except -1
    cdef int _end_of_talk(self) except -1
    cdef bint _is_over(self) noexcept
    cdef int _arm(self) except -1
    cdef int _wait(self, int kind) except -1
    cdef dict _disconnect(self)
