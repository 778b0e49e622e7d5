"""One request of an ASGI application, and what the application is given for it.

The application's coroutine runs in a task of asyncio; what the task steps is the `AsgiCall` itself,
which passes each step on and so knows when the coroutine has ended without being called back.
`receive` and `send` return a `Step`, which is done at once where it can be, and else waits for a
future.  All of this is called on the thread of the loop; what touches the worker's goes inside first
(turnstile.pyx).

Source: ASGI specification, HTTP and WebSocket message format 2.5.

Runs in: worker
"""

from cpython.object cimport PyObject

from fastfork._core.apps.asgisend cimport AsgiSender
from fastfork._core.apps.asgistep cimport Step
from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.connections cimport EPOLLRDHUP
from fastfork._core.conn.deadlines cimport MORE_BODY, NEXT_REQUEST, NOTHING, READER
from fastfork._core.failing cimport note_cut
from fastfork._core.http.protocol cimport Protocol
from fastfork._core.http.scan cimport ff_error_status
from fastfork._core.conn.sink cimport LATER, MORE, NO_MORE
from fastfork._core.apps.taskboard cimport TaskBoard
from fastfork._core.text cimport ff_is_unique
from fastfork._core.ticks cimport now_ns
from fastfork._core.loop.turnstile cimport CAME_IN
from fastfork._core.http.upload cimport Upload

import sys
from asyncio import CancelledError
from collections.abc import Coroutine

from fastfork.errors import ClientDisconnected

cdef extern from "Python.h":
    # -1 with an exception set, 0 when it has ended, 1 when it goes on.
    int PyIter_Send(object iterator, object value, PyObject **result) except? -1
    void Py_DECREF(PyObject *thing)

cdef enum:
    GOES_ON = 1

cdef dict DISCONNECT = {"type": "http.disconnect"}
cdef object ENDED = object()  # in place of what a coroutine yields
cdef str WSGI_INPUT = sys.intern("wsgi.input")


cdef class AsgiCall(AsgiSender):
    """One request in the making of its response."""

    def __cinit__(self, site, TaskBoard board, *args):
        self.board = board
        self.ear = CallSink.__new__(CallSink)
        self.ear.call = self
        self._receive = self.receive
        self._send = self.send_message
        self.place = -1

    def retire(self):
        """Break the cycles of one that somebody else still refers to."""
        self._receive = self._send = self.ear = None

    cdef int let_go(self) except -1:
        """Keep nothing of the request that is over."""
        self.client = self.environ = self.fields = self.status = self.upload = self.body = None
        return 0

    cdef bint recyclable(self):
        return (ff_is_unique(<PyObject *>self._receive)
                and ff_is_unique(<PyObject *>self._send))

    cdef int open(self, Connection connection) except -1:
        """A request begins; `begin` and `environ` are set."""
        body = self.environ[WSGI_INPUT]
        self.client = connection
        self.number += 1
        self.open_response()
        self.receivers = self.senders = self.upload = None
        self.body = b""
        self.took_body = self.over = self.is_away = self.stopping = self.has_told = False
        self.is_done = False
        self.seat = self.site.crew.first
        if type(body) is bytes:
            self.body = <bytes>body
        elif type(body) is Upload:
            self.upload = <Upload>body
            self.upload.pause(self.board.connections.now)
        connection.shut, connection.at_end = False, EPOLLRDHUP
        self.request.sink = self.ear
        self.board.begins(self)
        return 0

    # What the task steps.

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        made = self._step_over(None)
        if made is ENDED:
            raise StopIteration
        return made

    def send(self, value):
        """Go on with the application's coroutine; see collections.abc.Coroutine."""
        return next(self)

    def throw(self, kind, value=None, traceback=None):
        """Raise an exception in it."""
        if value is None:
            value = kind() if isinstance(kind, type) else kind
        made = self._step_over(value)
        if made is ENDED:
            raise StopIteration
        return made

    def close(self):
        """Its task is given up before it has begun, or with the loop."""
        coroutine, self.coroutine = self.coroutine, None
        if coroutine is not None:
            coroutine.close()
            self._ended(CancelledError())

    cdef object _step_over(self, error):
        cdef PyObject *result = NULL
        if self.coroutine is None:
            return ENDED
        try:
            if error is not None:
                return self.coroutine.throw(error)
            if PyIter_Send(self.coroutine, None, &result) == GOES_ON:
                made = <object>result
                Py_DECREF(result)
                return made
            Py_DECREF(result)
        except StopIteration:
            error = None
        except BaseException as raised:
            error = raised
        self.coroutine = None
        self._ended(error)
        if isinstance(error, CancelledError):
            raise error  # for the task to know
        return ENDED

    cdef int _ended(self, error) except -1:
        """The application's coroutine has ended."""
        self._stay_or_leave(error)
        if error is not None and not isinstance(error, (Exception, CancelledError)):
            if self.site.leaving():
                raise error
        if error is not None:
            self._tell_raised(error)
        elif not self.complete and not self.client.broken and not self.stopping:
            self._tell_unfinished()
        self.over = True
        self.task = None
        self.board.ends(self)
        if self.is_done:
            self.let_go()
            self.retire()
        elif not self.complete and self.site.crew.come_in() == CAME_IN:
            try:
                self._answer_for_it(error)
            finally:
                self.site.crew.release()
        return 0

    cdef int _tell_raised(self, error) except -1:
        if isinstance(error, ClientDisconnected) or (isinstance(error, CancelledError) and (
                self.complete or self.client.broken or self.client.shut or self.stopping
                or self.site.leaving())):
            return 0
        self.site.log.error("Error handling request %s %s", self.environ["REQUEST_METHOD"],
                            self.environ["RAW_URI"], exc_info=error)
        return 0

    cdef int _tell_unfinished(self) except -1:
        """The application has returned, and its response has not ended."""
        self.site.log.error(
            "the application returned without %s to %s %s",
            "a response" if not self.started else "the end of its response",
            self.environ["REQUEST_METHOD"], self.environ["RAW_URI"])
        return 0

    cdef int _answer_for_it(self, error) except -1:
        """The application leaves its response as it is: the client must see that."""
        if not self.head_sent:
            return self.give_up(500)
        self.client.cut = self.client.cut or self._looks_whole()
        note_cut(self.site.crew.slot, self.environ, self.head.status)
        self.keep_alive = self.chunked = False
        self.left = -1
        self._finish()
        return self._completed()

    cdef int give_up(self, int status) except -1:
        """Answer with an error page in the application's place."""
        self.has_trailers = False
        self.refuse(status)
        return self._completed()

    cdef int _close_body(self) except -1:
        """See ResponseWriter."""
        self.request.sink = None
        self.is_lost = self.connection.broken
        return 0

    cdef int _completed(self) except -1:
        self.complete = True
        if self.is_away:
            self.board.returned.append(self)
            self.board.soon()
        self._wake_senders()
        return self._wake_receivers()

    cdef int stop(self) except -1:
        """The server ends soon: receive() says that the client has left."""
        self.stopping = True
        return self._wake_receivers()

    # What the loop has to say; see Sink.

    cdef int wants(self) noexcept:
        """Is there room for more of the body?"""
        if self.upload is None or self.upload.complete:
            return NO_MORE
        return LATER if self.upload.is_full() else MORE

    cdef int shut_down(self) except -1:
        """The client sends no more, which to an ASGI application means that it has left."""
        self._tell_left()
        return self._wake_receivers()

    cdef int _tell_left(self) except -1:
        """Say once that the client has left while the application is at work.  It is said of the
        task, since this object may serve another request when that time is over."""
        if (self.board.on_lost is not None and self.task is not None and not self.over
                and not self.has_told):
            self.has_told = True
            self.board.on_lost(self.task)
        return 0

    cdef int drained(self) except -1:
        """The client has taken enough for send() to go on."""
        return self._wake_senders()

    cdef int received(self, const char *p, Py_ssize_t n) except -1:
        """More of the body."""
        cdef Protocol protocol = <Protocol>self.client.protocol
        cdef const char *end = p + n
        cdef int rc = self.upload.feed(&p, end)
        self.upload.proceed(self.board.connections.now)
        if rc < 0 or (rc == 0 and self.board.uploads.is_too_slow(self.upload, n)):
            return self._refuse_rest(408 if rc == 0 else ff_error_status(rc))
        if rc > 0:
            self.upload.complete = True
            self.request.uploading = False
            protocol.wait(self.client, self.request, NOTHING)
            if not self.head_sent:
                self.keep_alive = (
                    self.request.keep_alive
                    and self.board.connections.deadlines.patience[NEXT_REQUEST] > 0)
            if p < end:
                protocol.keep(self.client, p, end - p)
        elif self.receivers is not None:
            protocol.wait(self.client, self.request, MORE_BODY)
        self.upload.pause(self.board.connections.now)
        return self._wake_receivers()

    cdef int _refuse_rest(self, int status) except -1:
        """What comes is no body, or it takes too long."""
        if not self.head_sent:
            return self.give_up(status)
        self.client.cut = True
        return (<Protocol>self.client.protocol).lose(self.client, self.request)

    cdef int lost(self) except -1:
        """The client is gone."""
        self._tell_left()
        self._wake_senders()
        return self._wake_receivers()

    cdef int late(self, int wait) except -1:
        """It takes too long over its body, or over reading the response."""
        if wait == MORE_BODY and self.upload is not None and not self.upload.complete:
            return self._refuse_rest(408)
        if wait == READER:
            self.client.cut = True
            return (<Protocol>self.client.protocol).lose(self.client, self.request)
        return 0

    # receive

    def receive(self):
        """ASGI's receive(): an awaitable of the next message."""
        cdef Step step = Step.__new__(Step)
        step.call = self
        step.number = self.number
        return step

    cdef dict heard(self):
        """The next message, None when there is none yet."""
        cdef bint more
        if self.complete:  # and its connection may be at another request
            return dict(DISCONNECT)
        if not self.took_body:
            if self.upload is None:
                self.took_body = True
                body, self.body = self.body, b""
                return {"type": "http.request", "body": body, "more_body": False}
            if len(self.upload.data) or self.upload.complete:
                more = not self.upload.complete
                self.took_body = not more
                message = {"type": "http.request", "body": self.upload.take(), "more_body": more}
                if more and self.site.crew.come_in() == CAME_IN:
                    try:
                        (<Protocol>self.client.protocol).watch(self.client, self.request)
                    finally:
                        self.site.crew.release()
                return message
        if self.stopping or self.client.broken or self.client.shut:
            return dict(DISCONNECT)
        return None

    cdef int ask_for_more(self) except -1:
        """receive() waits for the rest of the body, and so the client's time begins."""
        if (self.upload is None or self.upload.complete or self.complete
                or self.site.crew.come_in() != CAME_IN):
            return 0
        try:
            if self.request.awaits_continue:
                self.request.awaits_continue = False
                if not self.head_sent and not self.client.broken:
                    self.site.batch.put(self.client, b"HTTP/1.1 100 Continue\r\n\r\n", 25)
                    self.board.soon()
            self.board.connections.now = now_ns()
            self.upload.proceed(self.board.connections.now)
            (<Protocol>self.client.protocol).wait(self.client, self.request, MORE_BODY)
        finally:
            self.site.crew.release()
        return 0

    # send

    def send_message(self, message):
        """ASGI's send(): an awaitable that ends when the message is taken."""
        cdef Step step = Step.__new__(Step)
        step.call = self
        step.number = self.number
        step.sends = True
        step.message = message if type(message) is dict else dict(message)
        return step

    # Those who wait.

    cdef int _wake_receivers(self) except -1:
        futures, self.receivers = self.receivers, None
        return _wake(futures)

    cdef int _wake_senders(self) except -1:
        futures, self.senders = self.senders, None
        return _wake(futures)


cdef int _wake(list futures) except -1:
    for future in futures or ():
        if not future.done():
            future.set_result(None)
    return 0


cdef class CallSink(Sink):
    """What the loop tells of the connection goes to its call."""

    cdef int wants(self) noexcept:
        return self.call.wants()

    cdef int received(self, char *p, Py_ssize_t n) except -1:
        return self.call.received(p, n)

    cdef int ended(self) except -1:
        return self.call.shut_down()

    cdef int left(self) except -1:
        return self.call.lost()

    cdef int drained(self) except -1:
        return self.call.drained()

    cdef int late(self, int wait) except -1:
        return self.call.late(wait)


Coroutine.register(AsgiCall)
