from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

from fastfork._core.conn.outbox cimport Outbox
from fastfork._core.http.request cimport Request
from fastfork._core.conn.tls_stream cimport TlsStream

cdef extern from "loop/states.h" nogil:
    uint8_t ff_next_state(uint8_t state, int event) noexcept
    enum:  # states, of which those up to BODY read
        IDLE "FF_STATE_IDLE"
        HEAD "FF_STATE_HEAD"
        PREFACE "FF_STATE_PREFACE"
        HANDSHAKE "FF_STATE_HANDSHAKE"
        BODY "FF_STATE_BODY"
        RUNNING "FF_STATE_RUNNING"
        RESPONDING "FF_STATE_RESPONDING"
        LINGERING "FF_STATE_LINGERING"
        CLOSED "FF_STATE_CLOSED"
    enum:  # events
        PROXY_EXPECTED "FF_EVENT_PROXY_EXPECTED"
        TLS_EXPECTED "FF_EVENT_TLS_EXPECTED"
        CLEAR "FF_EVENT_CLEAR"
        HEAD_CAME "FF_EVENT_HEAD_CAME"
        BODY_FOLLOWS "FF_EVENT_BODY_FOLLOWS"
        ASKED "FF_EVENT_ASKED"
        ANSWERED "FF_EVENT_ANSWERED"
        ANSWERED_LAST "FF_EVENT_ANSWERED_LAST"
        PARKED "FF_EVENT_PARKED"
        NOT_TAKEN "FF_EVENT_NOT_TAKEN"
        ALL_SENT "FF_EVENT_ALL_SENT"
        HALF_CLOSED "FF_EVENT_HALF_CLOSED"
        ENDED "FF_EVENT_ENDED"

cdef enum:  # trust
    UNASKED
    STRANGER
    TRUSTED

cdef enum:
    NEVER = 255  # interest of a connection the poller has not been told about


cdef class Connection:
    cdef int fd
    cdef uint8_t state         # changed by `move` alone
    cdef uint16_t interest    # what the poller watches: EPOLLIN, EPOLLOUT ...
    cdef uint8_t which_list   # the deadline list it is on, 0 = none
    cdef bint close_after     # close when everything is sent
    cdef bint broken          # the peer is gone: nothing can be sent
    cdef bint shut            # ... or sends no more, as far as a sink is told
    cdef int at_end           # ... and what it is watched for besides: its end, 0 once seen
    cdef bint shared          # its descriptor was copied: closing it leaves it in the poller
    cdef bint moved           # another process goes on with it
    cdef bint detached        # the application took the socket
    cdef bint parted          # what an application has left of such a socket
    cdef bint flushing        # on the list of connections to look at after a flush
    cdef uint8_t lingers      # close_after means half-close and drain: LINGER, BRIEF_LINGER or 0
    cdef bint cut             # what was sent has no end that shows: close with a reset
    cdef int64_t turn_ns       # the turn in which it came
    cdef uint8_t trust        # is its word taken?  UNASKED, STRANGER or TRUSTED
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
    cdef dict template        # the environ that its requests begin with
    cdef object protocol      # the Protocol that knows what its bytes mean
    cdef object answering     # the Answering of its worker
    cdef object carrier       # what it is a stream of, a Carrier; None: it has a descriptor
    cdef object http2         # its session; of a stream, its Http2Stream; None for HTTP/1
    cdef Request request      # that is received or answered; for a protocol with one at a time
    cdef dict facts           # of its preface and its TLS, for the environ of each request, or None
    cdef TlsStream sealed        # its TLS; None where it speaks in the clear
    cdef Outbox outbox        # None unless data waits for the client
    cdef readonly object taken  # the socket, where the application has it by `gunicorn.socket`
    cdef str why_closed(self)
    cdef bint has_ended(self) noexcept
    cdef bint is_gone(self) noexcept
    cdef int keep(self, const char *p, Py_ssize_t n) except -1
    cdef bint is_blank(self) noexcept
    cdef bytes take_rest(self)
    cdef void forget_partial(self) noexcept
    cdef str port_text(self)
    cdef bint hung_up(self) noexcept
    cdef Outbox queue(self)
    cdef int send_tail(self, const char *p, Py_ssize_t n, Py_ssize_t sent, bytes body) except -1


cdef inline void move(Connection connection, int event) noexcept:
    """This has happened; see csrc/loop/states.h."""
    connection.state = ff_next_state(connection.state, event)


# Bytes of memory that `partial` of all connections takes.
cdef int64_t partial_bytes() noexcept
