from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

from fastfork._core.body cimport Body
from fastfork._core.outbox cimport Outbox
from fastfork._core.sealed cimport Sealed
from fastfork._core.sink cimport Sink

cdef enum:  # states
    IDLE        # between requests; holds no buffer
    HEAD        # part of a request head has come
    PREFACE     # accepted; the proxy has not yet said for whom it speaks
    HANDSHAKE   # its TLS is not agreed on yet
    BODY        # the head is read, its body is not
    RESPONDING  # the answer is not fully handed to the kernel
    LINGERING   # half-closed: reads and forgets until the client closes too
    CLOSED

cdef enum:  # trust
    UNASKED
    STRANGER
    TRUSTED

cdef enum:
    NEVER = 255  # interest of a connection the poller has not been told about


cdef class Connection:
    cdef int fd
    cdef uint8_t state
    cdef uint16_t interest    # what the poller watches: EPOLLIN, EPOLLOUT ...
    cdef uint8_t which_list   # the deadline list it is on, 0 = none
    cdef bint close_after     # close when everything is sent
    cdef bint broken          # the peer is gone: nothing can be sent
    cdef bint shut            # ... or sends no more, as far as a sink is told
    cdef int at_end           # what a sink's connection is watched for besides: its end, 0 once seen
    cdef bint shared          # its descriptor was copied: closing it leaves it in the poller
    cdef bint moved           # another process goes on with it
    cdef bint detached        # the application took the socket
    cdef bint parted          # what an application has left of such a socket
    cdef bint flushing        # on the list of connections to look at after a flush
    cdef uint8_t lingers      # close_after means half-close and drain: LINGER, BRIEF_LINGER or 0
    cdef bint cut             # what was sent has no end that shows: close with a reset
    cdef bint busy            # the application is answering it
    cdef int64_t asked_ns      # when a request that is in line for a thread was seen, or 0
    cdef int64_t turn_ns       # the turn in which it came
    cdef bint turned_away     # its request has waited too long for a thread
    cdef uint8_t trust        # is its word taken?  UNASKED, STRANGER or TRUSTED
    cdef uint8_t minor        # of the request being read or answered: HTTP/1.minor,
    cdef uint16_t block       # where the fields of its last request are kept, see blocks.pyx
    cdef bint is_head         # HEAD,
    cdef bint keep_alive      # the client wants the connection to stay
    cdef bint uploading       # ... and is still sending the body of the request that is answered
    cdef bint awaits_continue  # ... and to be told to send its body (RFC 9110 section 10.1.1)
    cdef int port              # of the peer, -1 for Unix sockets
    cdef uint32_t listener
    cdef uint32_t drained     # bytes read while lingering
    cdef readonly uint32_t served  # requests given to the application, the one it is at included
    cdef uint32_t rest_size
    cdef const char *rest     # what came behind the request that was just given to the application
    cdef void *before         # neighbours on the deadline list; the table owns the references
    cdef void *behind
    cdef int64_t deadline     # monotonic nanoseconds
    cdef char *partial        # bytes received and not yet used, malloc'd
    cdef uint32_t partial_size
    cdef uint32_t partial_room
    cdef uint32_t scanned     # of partial, when it was last parsed
    cdef uint32_t line_at     # where its last line begins; 0: it is the request line
    cdef readonly str remote_addr
    cdef str remote_port
    cdef object hub
    cdef Body body
    cdef dict facts           # of its preface and its TLS, for the environ of each request, or None
    cdef Sealed sealed        # its TLS; None where it speaks in the clear
    cdef dict environ         # of the request whose body is being read
    cdef object spool         # the file that holds the body being answered, or None
    cdef Outbox outbox        # None unless data waits for the client
    cdef object responder     # the parked response, or None
    cdef Sink sink            # hears of it while it is busy, or None
    cdef readonly object taken  # the socket, where the application has it by `gunicorn.socket`
    cdef str why_closed(self)
    cdef bint has_ended(self) noexcept
    cdef int keep(self, const char *p, Py_ssize_t n) except -1
    cdef bint is_blank(self) noexcept
    cdef bytes take_rest(self)
    cdef void forget_partial(self) noexcept
    cdef str port_text(self)
    cdef bint hung_up(self) noexcept
    cdef Outbox queue(self)
    cdef int send_tail(self, const char *p, Py_ssize_t n, Py_ssize_t sent, bytes body) except -1


# Bytes of memory that `partial` of all connections takes.
cdef int64_t partial_bytes() noexcept
