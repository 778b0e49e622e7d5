"""One HTTP/2 connection on the loop: its bytes in and out, and the responses of its streams.

The connection stays the loop's, always: it is read while applications run.

Runs in: worker
"""

from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcpy

from fastfork._core.conn.batch cimport Batch
from fastfork._core.conn.connection cimport ANSWERED_LAST, CLOSED, RUNNING, move
from fastfork._core.conn.deadlines cimport CLOSING, NEXT_REQUEST, READER, WHOLE_HEAD, Deadlines
from fastfork._core.http.nghttp2 cimport NGHTTP2_INTERNAL_ERROR
from fastfork._core.conn.outbox cimport FOLLOW_BYTES, Outbox
from fastfork._core.http.request cimport Request
from fastfork._core.scoreboard cimport H2_GOAWAYS, H2_RESETS, H2_RESETS_SENT, H2_STREAMS
from fastfork._core.text cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from fastfork._core.http.writer cimport ResponseWriter

cdef extern from "<string.h>" nogil:
    void *memmem(const void *p, size_t n, const void *what, size_t size)

cdef enum:
    GATHERED = 64 << 10       # bytes of frames that go into TLS together
    TURN_BYTES = 256 << 10    # sent for one connection before others get their turn


cdef class Http2Connection(Http2Requests):
    """See `Http2Requests`.  Its bytes come by `receive`."""

    # What comes.

    cdef int receive(self, const char *p, Py_ssize_t n) except -1:
        """n bytes have come: answer what they complete."""
        self.is_busy = True
        try:
            self.take_in(p, n, self.worker.connections.now)
        finally:
            self.is_busy = False
        self.settle()
        self.pump()  # what is said without an application does not wait for one
        self.serve()
        self.pump()
        return self.rearm()

    # What is answered.

    cdef int settle(self) except -1:
        """See to the streams that have been closed."""
        cdef Http2Stream stream
        cdef Request request
        cdef ResponseWriter writer
        while self.gone:
            stream = <Http2Stream>self.gone.pop()
            if stream.request is None:
                continue  # its response has ended meanwhile
            request = stream.request.request
            if stream.request.state == RUNNING:
                if request.sink is not None:
                    request.sink.left()
                continue
            writer, request.writer = <ResponseWriter>request.writer, None
            self._let_go_of(stream)
            self.let_go(stream)
            if writer is None:
                continue
            if self.worker.crew.aside:
                writer.seat.streams -= 1
                self.worker.crew.hand(writer.seat, writer)
            else:
                self.worker.answering.gateway.abandon(writer)
        return 0

    cdef int complete(self, Connection stream, bint cut) except -1:
        """Its response is made.  cut: and not whole."""
        cdef Http2Stream of_it = <Http2Stream>stream.http2
        stream.outbox = None
        self.let_go(of_it)
        if of_it.closed:
            return self._let_go_of(of_it)
        if cut:
            self.submit_head(of_it, False)
            self.reset(of_it, NGHTTP2_INTERNAL_ERROR)
        elif of_it.head is not None and of_it.is_empty():
            self.submit_head(of_it, True)
        else:
            self.submit_head(of_it, False)
            self.finish(of_it)
        move(stream, ANSWERED_LAST)
        if of_it.outbox.size or not of_it.is_empty():
            self.worker.deadlines.set(stream, READER, self.worker.connections.now)
        return self.pump()

    # What is sent; see Carrier.

    cdef int put(self, Connection stream, const char *p, Py_ssize_t n, bytes body) except -1:
        cdef Http2Stream of_it = <Http2Stream>stream.http2
        cdef const char *end
        cdef Py_ssize_t size
        if of_it.closed:
            return 0
        if not of_it.answered and of_it.head is None:
            end = <const char *>memmem(p, n, b"\r\n\r\n", 4)
            size = end + 4 - p
            if p[9] == b'1':  # an informational response: 100, 103
                self.inform(of_it, p, size)
                return self.pump()
            of_it.head = p[:size]
            p += size
            n -= size
            if n == 0 and body is None:
                # It may be all, as to HEAD; else the loop sends it when it has no more to do.
                return self.worker.batch.look_at(stream)
        self.submit_head(of_it, False)
        if n:
            self.send_data(of_it, p[:n])
        if body is not None:
            self.send_data(of_it, body)
        if of_it.outbox.size <= FOLLOW_BYTES:
            return 0  # the end may follow, and go with it: `pump` is called when that is known
        self.pump()
        if of_it.outbox.size > FOLLOW_BYTES and not of_it.closed:
            stream.outbox = of_it.outbox  # whoever makes more has to wait
            self.worker.deadlines.set(stream, READER, self.worker.connections.now)
        return 0

    cdef int submit_head(self, Http2Stream stream, bint ends) except -1:
        """Send the head that was kept back.  ends: and nothing behind it."""
        cdef bytes head = stream.head
        if head is None:
            return 0
        stream.head = None
        return self.respond(stream, PyBytes_AS_STRING(head), PyBytes_GET_SIZE(head), ends)

    cdef Outbox outbox_of(self, Connection stream):
        return (<Http2Stream>stream.http2).outbox

    cdef int give_up(self, Connection stream) except -1:
        self.reset(<Http2Stream>stream.http2, NGHTTP2_INTERNAL_ERROR)
        if stream.state == RUNNING and not stream.request.busy:
            move(stream, ANSWERED_LAST)
            self.let_go(<Http2Stream>stream.http2)
        return self.pump()

    cdef int descriptor(self) noexcept:
        return -1 if self.connection is None else self.connection.fd

    cdef object tls_object(self):
        return None if self.connection is None else self.connection.tls

    cdef int pump(self) except -1:
        """Send what the windows allow, as far as the socket takes it."""
        cdef Connection connection = self.connection
        cdef Batch batch = self.worker.batch
        cdef const uint8_t *p
        cdef Py_ssize_t n, total = 0, kept = 0
        if self.is_busy or connection is None or connection.broken:
            return 0
        self.is_busy = True
        try:
            while connection.outbox is None and total < TURN_BYTES:
                n = self.pull(&p, self.worker.connections.now)
                if n == 0:
                    break
                total += n
                if connection.sealed is None:
                    memcpy(batch.room(connection, n), p, n)
                    batch.push(connection, n, None)
                    continue
                if kept + n > GATHERED:
                    batch.put(connection, self.worker.gathered, kept)
                    kept = 0
                if n > GATHERED:
                    batch.put(connection, <const char *>p, n)
                    continue
                memcpy(self.worker.gathered + kept, p, n)
                kept += n
            if kept:
                batch.put(connection, self.worker.gathered, kept)
        finally:
            self.is_busy = False
        if total >= TURN_BYTES:
            batch.look_at(connection)  # there may be more
        return self._after_pull()

    cdef int _after_pull(self) except -1:
        """Streams of which something was sent go on, and have new time for the rest."""
        cdef Http2Stream stream
        cdef Connection made
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        while self.moved:
            stream = <Http2Stream>self.moved.pop()
            stream.moved = False
            made = stream.request
            if stream.closed or made is None:
                continue
            if stream.is_empty() and made.which_list == READER:
                self.worker.deadlines.remove(made)
            elif not stream.is_empty():
                self.worker.deadlines.set(made, READER, self.worker.connections.now)
            if made.outbox is not None and stream.outbox.size <= FOLLOW_BYTES:
                made.outbox = None
                self.worker.batch.look_at(made)
        if self.gone:
            self.worker.batch.look_at(self.connection)
        if (self.connection is not None and not self.connection.close_after
                and self.is_over()):
            self.connection.close_after = True
            self.worker.batch.look_at(self.connection)
        return 0

    # What is waited for.

    cdef int rearm(self) except -1:
        """Have the connection wait for what it now waits for."""
        cdef Connection connection = self.connection
        cdef Deadlines deadlines = self.worker.deadlines
        cdef int64_t now = self.worker.connections.now
        self.count()
        if connection is None or connection.state == CLOSED or connection.outbox is not None:
            return 0
        if self.frames.since:
            if connection.which_list != WHOLE_HEAD:
                deadlines.set(connection, WHOLE_HEAD, now)
        elif self.has_warned:
            if connection.which_list != CLOSING:
                deadlines.set(connection, CLOSING, now)
        elif self.streams:
            deadlines.remove(connection)
        elif connection.which_list != NEXT_REQUEST or connection.served != self.opened:
            # What carries no request, a PING say, does not move it.
            connection.served = self.opened
            deadlines.set(connection, NEXT_REQUEST, now)
        return 0

    cdef int count(self) except -1:
        """Bring the scoreboard up to date."""
        cdef int64_t *slot = self.worker.slot
        slot[H2_STREAMS] += self.opened - self.told_opened
        slot[H2_RESETS] += self.resets - self.told_resets
        slot[H2_RESETS_SENT] += self.resets_sent - self.told_resets_sent
        slot[H2_GOAWAYS] += self.goaways - self.told_goaways
        self.told_opened, self.told_resets = self.opened, self.resets
        self.told_resets_sent, self.told_goaways = self.resets_sent, self.goaways
        return 0

    cdef int end_all(self) except -1:
        """The connection is closed."""
        self.connection = None
        self.close()
        self.settle()
        return self.count()
