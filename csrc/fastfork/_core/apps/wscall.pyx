"""A WebSocket of an ASGI application (ASGI specification, WebSocket, 2.5; RFC 6455).

What its frames mean is the business of `WebSocketCodec`; here are the messages that the application
gets and sends, the handshake, and the end.  A close frame of the client's is answered when the
application has taken the messages before it; ours is waited to be answered for as long as CLOSING
says, and then the server closes the connection.

Runs in: worker
"""

from fastfork._core.apps.asgicall cimport AsgiCall
from fastfork._core.apps.asgisend cimport AsgiSender
from fastfork._core.conn.batch cimport Batch
from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.deadlines cimport CLOSING, NOTHING, PING, PONG, READER
from fastfork._core.http.protocol cimport Protocol
from fastfork._core.http.response_head cimport ResponseHead, octets
from fastfork._core.conn.sink cimport LATER, MORE, NO_MORE
from fastfork._core.text cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from fastfork._core.ticks cimport now_ns
from fastfork._core.loop.turnstile cimport CAME_IN
from fastfork._core.http.websocket cimport WebSocketCodec
from fastfork._core.http.wshandshake cimport accept_key, subprotocols
from fastfork._core.http.wsmessages cimport WS_CLOSE_RECEIVED, WS_CLOSE_SENT, WS_FAILED

from fastfork._core.http.wsdeflate import negotiate
from fastfork.errors import ClientDisconnected

cdef enum:
    COPY_MAX = 16 << 10      # bytes of a message; longer ones are sent by reference
    HEAD_MAX = 10            # bytes of a frame's header
    STATUS_LINE = 34         # bytes of "HTTP/1.1 101 Switching Protocols" and its end
    GOING_AWAY = 1012        # the server restarts (IANA's registry of close codes)
    UNEXPECTED = 1011        # RFC 6455 section 7.4.1
    NORMAL = 1000
    ABNORMAL = 1006

# Of the environ of a WebSocket without an access log, for status pages and the error log.
cdef tuple KEPT = ("REQUEST_METHOD", "RAW_URI", "SERVER_PROTOCOL", "REMOTE_ADDR")
cdef str LEFT = "the client has left"


cdef class WebSocketCall(AsgiCall):
    """One WebSocket.  status: 101, or what to refuse its handshake with."""

    def __cinit__(self, site, board, int status):
        self.refusal = status

    cdef bint refuses(self) except -1:
        """Is the handshake malformed, and so refused without the application?"""
        cdef dict environ = self.environ
        try:
            self.offered = subprotocols(environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL"))
            if self.board.deflates and "HTTP_SEC_WEBSOCKET_EXTENSIONS" in environ:
                self.agreed = negotiate(environ["HTTP_SEC_WEBSOCKET_EXTENSIONS"])
        except ValueError:
            self.refusal = 400
        if self.refusal == 101:
            return False
        self.over = True
        self.board.ends(self)
        self.give_up(self.refusal)
        return True

    cdef dict scope_of(self, dict scope):
        """The scope of the WebSocket, made from the one that its request would have."""
        scope["subprotocols"] = self.offered
        scope["type"] = "websocket"
        scope["scheme"] = "wss" if scope["scheme"] == "https" else "ws"
        tls = scope["extensions"].get("tls")
        scope["extensions"] = {"websocket.http.response": {}}
        if tls is not None:
            scope["extensions"]["tls"] = tls
        del scope["method"]
        return scope

    # receive

    cdef dict heard(self):
        if not self.has_connected:
            self.has_connected = True
            return {"type": "websocket.connect"}
        if self.codec is None:
            return self._disconnect() if self._is_over() else None
        message = self.codec.take()
        if message is not None:
            if self.site.crew.come_in() == CAME_IN:
                try:
                    self.codec.resume()
                    self._control()
                    (<Protocol>self.client.protocol).watch(self.client, self.request)
                finally:
                    self.site.crew.release()
            if type(message) is str:
                return {"type": "websocket.receive", "text": message}
            return {"type": "websocket.receive", "bytes": message}
        if not self._is_over():
            return None
        if self.codec.has_close() and self.site.crew.come_in() == CAME_IN:
            try:
                self._end_of_talk()
            finally:
                self.site.crew.release()
        return self._disconnect()

    cdef bint _is_over(self) noexcept:
        """Does nothing come any more?"""
        return (self.complete or self.stopping or self.code != 0 or self.client.broken
                or self.client.shut or (self.codec is not None and self.codec.state != 0))

    cdef dict _disconnect(self):
        cdef int code = self.code
        reason = self.reason
        if code == 0:
            code = ABNORMAL if self.codec is None else self.codec.closed_code
            reason = "" if self.codec is None else self.codec.closed_reason
        return {"type": "websocket.disconnect", "code": code, "reason": reason or ""}

    cdef int ask_for_more(self) except -1:
        return 0

    # send

    cdef int take(self, dict message) except -1:
        kind = message.get("type")
        if kind == "websocket.send":
            return self._send_data(message)
        if kind == "websocket.accept":
            if self.codec is not None or self.is_denied or self.complete:
                raise RuntimeError("websocket.accept was sent twice, or after the end")
            return self._accept(message)
        if kind == "websocket.close":
            return self._close(message.get("code", NORMAL), message.get("reason"))
        if kind == "websocket.http.response.start" or kind == "websocket.http.response.body":
            if self.codec is not None:
                raise RuntimeError(f"{kind} was sent after websocket.accept")
            self.is_denied = True
            return AsgiSender.take(self, {**message, "type": kind[len("websocket."):]})
        raise RuntimeError(f"{kind!r} is no message that can be sent to a WebSocket")

    cdef int _accept(self, dict message) except -1:
        cdef ResponseHead head = self._unused_head()
        cdef Connection connection = self.client
        cdef bytes answer
        head.set_raw("101 Switching Protocols", message.get("headers") or ())
        head.end()
        lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade",
                 b"Sec-WebSocket-Accept: " + accept_key(self.environ["HTTP_SEC_WEBSOCKET_KEY"])]
        chosen = message.get("subprotocol")
        if chosen is not None:
            if not isinstance(chosen, str):
                raise TypeError(f"the subprotocol of websocket.accept is a str, not {chosen!r:.80}")
            if chosen not in self.offered:
                raise ValueError(f"the client has not offered the subprotocol {chosen!r:.80}")
            lines.append(b"Sec-WebSocket-Protocol: " + chosen.encode("ascii"))
        if self.agreed is not None:
            lines.append(b"Sec-WebSocket-Extensions: " + self.agreed[0].encode("ascii"))
        answer = b"\r\n".join(lines) + b"\r\n" + head.buffer[STATUS_LINE:head.size]
        if connection.broken:
            raise ClientDisconnected(LEFT)
        if self.site.crew.come_in() != CAME_IN:
            raise ClientDisconnected("the worker has ended")
        try:
            self.codec = WebSocketCodec(
                max_message=self.board.max_message, max_queue=self.board.max_queue,
                deflate=None if self.agreed is None else self.agreed[1])
            self.head = self.board.switched
            self.started = self.head_sent = self.bodyless = True
            self.keep_alive = False
            if self.site.access_line is not None:
                self.status, self.fields = "101 Switching Protocols", []
            else:  # thousands of them wait, each with its own
                self.environ = {name: self.environ[name] for name in KEPT}
            self.site.batch.put(connection, PyBytes_AS_STRING(answer), PyBytes_GET_SIZE(answer))
            self.board.soon()
            if connection.partial != NULL:  # what has come behind the handshake
                self.codec.feed(connection.partial, connection.partial_size)
                connection.forget_partial()
                self._control()
            self._arm()
            return (<Protocol>connection.protocol).watch(connection, self.request)
        finally:
            self.site.crew.release()

    cdef int _send_data(self, dict message) except -1:
        text, data = message.get("text"), message.get("bytes")
        if (text is None) == (data is None):
            raise ValueError("websocket.send has either text or bytes")
        if text is not None and not isinstance(text, str):
            raise TypeError(f"the text of websocket.send is a str, not {text!r:.80}")
        if data is not None and type(data) is not bytes:
            data = octets(data)
        if self.codec is None:
            raise RuntimeError("websocket.send was sent before websocket.accept")
        if self.complete or self.client.broken or self.codec.state & WS_CLOSE_SENT:
            if self.code == 0 or self.code == GOING_AWAY:
                raise ClientDisconnected(LEFT)
            raise RuntimeError("websocket.send was sent after websocket.close")
        if self.site.crew.come_in() != CAME_IN:
            raise ClientDisconnected("the worker has ended")
        try:
            self._put_data(data if text is None else text)
            return self._put_off()
        finally:
            self.site.crew.release()

    cdef int _put_data(self, data) except -1:
        """Put the frame of a message into the batch."""
        cdef Batch batch = self.site.batch
        cdef Connection connection = self.client
        cdef Py_ssize_t n = len(data) + HEAD_MAX, size
        cdef int first = 0
        cdef bytes payload
        cdef char *out
        if n <= COPY_MAX:
            out = batch.room(connection, n)
            size = self.codec.put(out, n, data)
            if size >= 0:
                self.sent += size
                return batch.push(connection, size, None)
        payload = self.codec.payload(data, &first)
        n = PyBytes_GET_SIZE(payload)
        out = batch.room(connection, HEAD_MAX)
        size = self.codec.head(out, first, n)
        self.sent += size + n
        return batch.push(connection, size, payload)

    # The end.

    cdef int _close(self, int code, reason) except -1:
        if self.is_denied or (self.codec is not None and self.code != 0):
            raise RuntimeError("websocket.close was sent twice")
        if self.complete or self.client.broken:
            return 0
        if self.site.crew.come_in() != CAME_IN:
            return 0
        try:
            if self.codec is None:
                self.code = ABNORMAL
                return self.give_up(403)
            frame = self.codec.close(code, reason)
            self.code, self.reason = code, reason
            if frame is not None:
                self.site.batch.put(self.client, frame, len(frame))
            return self._closing_begins()
        finally:
            self.site.crew.release()

    cdef int _closing_begins(self) except -1:
        """Our close frame is on its way: the client's ends the talk, or its time."""
        self.board.soon()
        if self.codec.state & (WS_CLOSE_RECEIVED | WS_FAILED) or self.client.shut:
            return self._end_of_talk()
        self.board.connections.now = now_ns()
        self._wait(CLOSING)
        (<Protocol>self.client.protocol).watch(self.client, self.request)
        return self._wake_receivers()

    cdef int _end_of_talk(self) except -1:
        """Nothing more is said on either side but for the close frame that is owed."""
        if self.complete:
            return 0
        frame = self.codec.take_close()
        if frame is not None:
            self.site.batch.put(self.client, frame, len(frame))
        self._wait(NOTHING)
        self._finish()
        return self._completed()

    cdef int _tell_unfinished(self) except -1:
        if self.codec is None and not self.is_denied and self.code == 0:
            self.site.log.error("the application returned without an answer to the handshake of %s",
                                self.environ["RAW_URI"])
        return 0

    cdef int _answer_for_it(self, error) except -1:
        """The application has ended, and the WebSocket has not."""
        if self.codec is None:
            if self.is_denied:
                return AsgiCall._answer_for_it(self, error)
            return self.give_up(500)
        if self.client.broken:
            return self._end_of_talk()
        if self.code != 0:
            return 0  # the closing handshake goes on
        self.code = NORMAL if error is None else UNEXPECTED
        if self.stopping:
            self.code = GOING_AWAY
        frame = self.codec.close(self.code)
        if frame is not None:
            self.site.batch.put(self.client, frame, len(frame))
        return self._closing_begins()

    cdef int stop(self) except -1:
        """The server goes: close with 1012."""
        if self.codec is None or self.code != 0 or self.complete:
            return AsgiCall.stop(self)
        self.stopping = True
        frame = self.codec.close(GOING_AWAY)
        self.code = GOING_AWAY
        if frame is not None:
            self.site.batch.put(self.client, frame, len(frame))
        return self._closing_begins()

    # What the loop has to say.

    cdef int wants(self) noexcept:
        if self.complete or (self.codec is not None
                             and self.codec.state & (WS_CLOSE_RECEIVED | WS_FAILED)):
            return NO_MORE
        return LATER if self.codec is None or self.codec.is_paused() else MORE

    cdef int received(self, const char *p, Py_ssize_t n) except -1:
        self.codec.feed(<char *>p, n)
        return self._control()

    cdef int _control(self) except -1:
        """Answer pings, and see to a close frame or a fault in what has come."""
        cdef bytes reply
        if self.codec.has_reply() and self.client.outbox is None:
            reply = self.codec.take_reply()
            self.site.batch.put(self.client, reply, len(reply))
            self.board.soon()
        if self.codec.state & (WS_CLOSE_RECEIVED | WS_FAILED):
            if self.code != 0 or self.over:
                return self._end_of_talk()
            self._wait(CLOSING)  # for messages that nobody takes
        return self._wake_receivers()

    cdef int shut_down(self) except -1:
        if self.codec is not None and (self.code != 0 or self.over):
            return self._end_of_talk()
        return AsgiCall.shut_down(self)

    cdef int lost(self) except -1:
        AsgiCall.lost(self)
        return self._end_of_talk() if self.over and self.codec is not None else 0

    cdef int drained(self) except -1:
        if self.codec is not None and self.client.which_list == 0:
            self._control()
            self._arm()
        return self._wake_senders()

    cdef int _arm(self) except -1:
        """Wait for the client's close frame where ours is sent, else for the time of the next
        ping."""
        if self.complete:
            return 0
        if self.codec.state & WS_CLOSE_SENT:
            self._wait(CLOSING)
        elif self.codec.state == 0 and self.board.connections.deadlines.patience[PING] > 0:
            self._wait(PING)
        return 0

    cdef int _wait(self, int kind) except -1:
        """A wait of this kind begins, which `late` is told the end of."""
        return (<Protocol>self.client.protocol).wait(self.client, self.request, kind)

    cdef int late(self, int wait) except -1:
        if wait == CLOSING:
            return self._end_of_talk()
        if wait == PING and self.codec.state == 0:
            frame = self.codec.ping()
            self.site.batch.put(self.client, frame, len(frame))
            self._wait(PONG)
            return 0
        if wait == PONG and (self.codec.is_alive or self.codec.is_paused()):
            return self._arm()  # while nothing is read, the answer may stand behind other frames
        if wait == PONG or wait == READER:
            self.client.cut = True
            return (<Protocol>self.client.protocol).lose(self.client, self.request)
        return 0
