"""The requests of one HTTP/2 connection: from the fields and the data of its streams to the call.

A stream is a `Connection` without a descriptor, whose carrier is the session, and a `Request`:
whoever answers requests sees nothing else.

Nothing of an application's is called from within the library: what happens there is noted, and
seen to in `Http2Connection.settle` and `serve`.

Runs in: worker
"""

from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from fastfork._core.http.blocks cimport ask
from fastfork._core.http.body cimport Body
from fastfork._core.conn.connection cimport ENDED, IDLE, NEVER, RUNNING, TRUSTED, UNASKED, move
from fastfork._core.conn.deadlines cimport MORE_BODY, QUEUED
from fastfork._core.http.environ cimport EnvironBuilder
from fastfork._core.http.parsers cimport HeadParser
from fastfork._core.http.request cimport HTTP_2
from fastfork._core.http.scan cimport ff_error_status, ff_framing, ff_head
from fastfork._core.scoreboard cimport LINE, LINE_BYTES, LINE_SIZE, REFUSED
from fastfork._core.text cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from fastfork._core.http.upload cimport Upload

import errno as errors
import sys

cdef enum:
    GATHERED = 64 << 10       # bytes of frames that go into TLS together

cdef str WSGI_INPUT = sys.intern("wsgi.input")
cdef str CONTENT_LENGTH = sys.intern("CONTENT_LENGTH")
cdef str SERVER_PROTOCOL = sys.intern("SERVER_PROTOCOL")
cdef str PROTOCOL = sys.intern("HTTP/2.0")
cdef tuple NO_ROOM = (errors.ENOSPC, errors.EDQUOT, errors.EFBIG)


cdef class Http2Site:
    """What the HTTP/2 connections of one worker share."""

    def __cinit__(self, Connections connections, Answering answering, Receiver receiver,
                  RequestQueue queue, Http2Limits limits):
        self.connections = connections
        self.answering = answering
        self.receiver = receiver
        self.uploads = receiver.uploads
        self.queue = queue
        self.deadlines = connections.deadlines
        self.crew = connections.crew
        self.batch = connections.batch
        self.slot = connections.slot
        self.limits = limits
        self.templates = {}
        self.gathered = <char *>malloc(GATHERED)
        if self.gathered == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.gathered)

    cdef dict template_of(self, Connection connection):
        """The environ that requests of its listener begin with, where they come by HTTP/2."""
        key = <size_t><void *>connection.template
        if key not in self.templates:
            self.templates[key] = (connection.template,
                                   {**connection.template, SERVER_PROTOCOL: PROTOCOL})
        return self.templates[key][1]


cdef class Http2Requests(Http2Session):
    """limits, worker, connection: whose bytes these are."""

    def __init__(self, limits, Http2Site worker, Connection connection):
        self.worker = worker
        self.connection = connection
        self.waiting = []
        self.gone = []

    # What comes.

    cdef Connection _stand_in(self, Http2Stream stream):
        """What stands for a stream towards those who answer its request."""
        cdef Connection owner = self.connection, made = Connection.__new__(Connection)
        made.fd = -1
        made.interest = NEVER
        made.port = owner.port
        made.listener = owner.listener
        made.remote_addr = owner.remote_addr
        made.remote_port = owner.remote_port
        made.facts = owner.facts
        made.trust = owner.trust
        made.template = self.worker.template_of(owner)
        made.protocol = self.worker.streams
        made.answering = self.worker.answering
        made.carrier = self
        made.http2 = stream
        made.request = Request.__new__(Request)
        made.request.minor = HTTP_2
        made.request.keep_alive = True
        stream.request = made
        return made

    cdef int on_head(self, Http2Stream stream, const char *p, Py_ssize_t n) except -1:
        cdef Receiver receiver = self.worker.receiver
        cdef HeadParser parser = receiver.parser
        cdef Connection made = self._stand_in(stream)
        cdef Request request = made.request
        cdef EnvironBuilder builder
        cdef ff_head *head = &parser.head
        cdef Py_ssize_t used
        request.block = self.connection.request.block
        if made.trust == UNASKED:
            receiver.trust.ask(made)
            self.connection.trust = made.trust
        builder = receiver.environs if made.trust != TRUSTED else receiver.trust.trusted
        ask(builder.blocks, made.template, request.block)
        # By the native parser alone: the other has nothing to say of HTTP/2.
        used = HeadParser.parse(parser, p, n, builder.blocks, receiver._limits_of(made))
        request.offence = p[:min(n, <Py_ssize_t>LINE_BYTES)]
        if used <= 0:
            return self.on_refused(stream, <int>used)
        request.turned_away = True  # the line goes to the scoreboard when it is called
        stream.code = receiver._begin(made, builder, p)
        request.turned_away = False
        request.minor = HTTP_2
        request.keep_alive = True
        self.connection.request.block = request.block
        if stream.code:
            return self.on_refused(stream, stream.code)
        request.offence = p[:head.target.at + head.target.len] + b" HTTP/2.0"
        if not stream.ended:
            self._begin_body(stream, request)
        return 0

    cdef int on_refused(self, Http2Stream stream, int code) except -1:
        if stream.request is None:
            self._stand_in(stream)
        stream.refused = True
        stream.code = code
        stream.request.request.environ = None
        self.waiting.append(stream)
        return 0

    cdef int on_malformed(self) except -1:
        self.worker.slot[REFUSED] += 1
        if self.worker.connections.site.may_log_refusal(self.worker.connections.now):
            self.worker.connections.log.warning(
                "Invalid request from ip=%s: malformed, by RFC 9113 section 8.1.1",
                self.connection.remote_addr or "-")
        return 0

    cdef int _begin_body(self, Http2Stream stream, Request request) except -1:
        """The head that was just parsed is not all of it."""
        cdef Uploads uploads = self.worker.uploads
        cdef HeadParser parser = self.worker.receiver.parser
        cdef ff_framing *framing = &parser.framing
        cdef Body body
        cdef type kind = Upload if self.worker.answering.gateway.streams else Body
        body = kind(parser, chunked=framing.content_length < 0,
                    content_length=max(<int64_t>0, framing.content_length),
                    max_body=parser.max_body, spool_after=uploads.spool_after,
                    spool_dir=uploads.spool_dir, keeps=kind is Body)
        body.until_end = True
        body.most = parser.max_body
        body.grace_ns = uploads.grace_ns
        body.due = self.worker.connections.now + uploads.grace_ns
        request.body = body
        if kind is Upload:
            request.awaits_continue = framing.expect_continue
            self.waiting.append(stream)
            return 0
        self.worker.deadlines.set(stream.request, MORE_BODY, self.worker.connections.now)
        if framing.expect_continue:
            self.inform(stream, b"HTTP/1.1 100 Continue\r\n\r\n", 25)
        return 0

    cdef int on_data(self, Http2Stream stream, const char *p, Py_ssize_t n) except -1:
        cdef Connection made = stream.request
        cdef Request request = made.request
        cdef const char *end = p + n
        cdef int rc
        if request.sink is not None:
            stream.owed += n
            request.sink.received(<char *>p, n)
            return self.body_taken(stream)
        if request.body is None:
            return self.let_more_come(stream, n)
        try:
            rc = request.body.feed(&p, end)
        except OSError as error:
            self.worker.connections.log.error("a request body cannot be kept: %s", error)
            return self.refuse_by(made, 0, 507 if error.errno in NO_ROOM else 500)
        if rc < 0:
            return self.refuse_by(made, rc, ff_error_status(rc))
        if type(request.body) is Upload:
            stream.owed += n
            return 0
        self.let_more_come(stream, n)
        self.worker.deadlines.set(made, MORE_BODY, self.worker.connections.now)
        if self.worker.uploads.is_too_slow(request.body, n):
            return self.refuse_by(made, 0, 408)
        return 0

    cdef int body_taken(self, Http2Stream stream) except -1:
        """Let the client send more, where whoever reads the body has room for it."""
        cdef Request request
        if stream.request is None:
            return 0
        request = stream.request.request
        if stream.owed and (request.sink is None or request.sink.wants() >= 0):
            self.let_more_come(stream, stream.owed)
            stream.owed = 0
        return 0

    cdef int on_end(self, Http2Stream stream) except -1:
        cdef Connection made = stream.request
        cdef Request request = made.request
        cdef Body body = request.body
        if made.which_list == MORE_BODY:
            self.worker.deadlines.remove(made)
        if request.sink is not None:
            if made.state == RUNNING and request.uploading:
                (<Body>stream.request.request.body).ended = True
                request.sink.received(NULL, 0)
            return 0
        if body is None:
            self.waiting.append(stream)
            return 0
        body.ended = True
        if type(body) is Upload:
            return 0  # it waits already
        try:
            whole = body.input()
        except OSError as error:  # the last bytes wait in the file's buffer until now
            self.worker.connections.log.error("a request body cannot be kept: %s", error)
            return self.refuse_by(made, 0, 507 if error.errno in NO_ROOM else 500)
        request.body = None
        request.environ[WSGI_INPUT] = whole
        request.spool = body.file
        if body.chunked:
            request.environ[CONTENT_LENGTH] = str(body.size)
        self.waiting.append(stream)
        return 0

    cdef int refuse_by(self, Connection stream, int code, int status) except -1:
        """Answer it with an error page, when the library has returned."""
        cdef Http2Stream of_it = <Http2Stream>stream.http2
        of_it.refused = True
        of_it.code = code if code else -1000 - status
        self.worker.deadlines.remove(stream)
        self.waiting.append(of_it)
        return 0

    cdef int on_closed(self, Http2Stream stream) except -1:
        cdef Connection made = stream.request
        if made is None:
            return 0
        made.broken = True
        made.outbox = None
        self.worker.deadlines.remove(made)
        if made.state == RUNNING or made.request.writer is not None:
            self.gone.append(stream)
            return 0
        return self._let_go_of(stream)

    cdef int _let_go_of(self, Http2Stream stream) except -1:
        """It has ended, and nobody of the application's is concerned."""
        cdef Connection made = stream.request
        if made is None:
            return 0
        stream.request = None  # they refer to each other
        if made.request.body is not None:
            made.request.body.discard()
            made.request.body = None
        made.request.environ = None
        move(made, ENDED)
        return 0

    # What is answered.

    cdef int serve(self) except -1:
        """Have the requests answered that are complete, in their order; those that were reset
        before they are called never are."""
        cdef Http2Stream stream
        while self.waiting:
            going, self.waiting = self.waiting, []
            for stream in going:
                if stream.closed or stream.request.state != IDLE:
                    continue
                if stream.code:
                    self._refuse(stream.request, stream.code)
                elif self.worker.crew.many:
                    # Whoever has a thread takes it, in its turn or out of it.
                    stream.request.request.asked_ns = self.worker.connections.now
                    self.worker.deadlines.set(stream.request, QUEUED,
                                              self.worker.connections.now)
                else:
                    self.call(stream.request)
        if self.worker.crew.many and self.worker.deadlines.count[QUEUED]:
            self.worker.queue.serve()
        return 0

    cdef int call(self, Connection stream) except -1:
        """Have its request answered."""
        cdef Http2Stream of_it = <Http2Stream>stream.http2
        cdef Request request = stream.request
        cdef bytes line = request.offence
        cdef Py_ssize_t n
        cdef Upload upload
        if line is not None and not request.turned_away:
            n = min(PyBytes_GET_SIZE(line), <Py_ssize_t>LINE_BYTES)
            memcpy(&self.worker.crew.seat.place[LINE], PyBytes_AS_STRING(line), n)
            self.worker.crew.seat.place[LINE_SIZE] = n
            request.offence = None
        if type(request.body) is Upload:
            upload = <Upload>request.body
            if of_it.ended:
                request.body = None
                request.environ[WSGI_INPUT] = upload.input()
                self.let_more_come(of_it, of_it.owed)
                of_it.owed = 0
            else:
                request.environ[WSGI_INPUT] = upload
                request.uploading = True
        self.keep(of_it)
        return self.worker.answering.answer(stream, request)

    cdef int _refuse(self, Connection stream, int code) except -1:
        if code <= -1000:
            return self.worker.answering.refuse(stream, 0, -1000 - code)
        return self.worker.answering.refuse(stream, code, ff_error_status(code))
