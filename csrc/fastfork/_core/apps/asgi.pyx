"""Where an ASGI application is called: in a task of asyncio for each request.

A turn of the loop happens inside asyncio's, which uses the worker's poller (workers/asgi.py).  The
application's first step runs in the turn that has read its request, and one that does not wait has
answered then: Python can start a task eagerly from 3.12 on, and before that, asyncio's loop has it in
a queue, from which it is taken at once.  When the application waits, the request is AWAY (and with
uvloop before Python 3.12, each is):
its task goes on in asyncio's loop, outside any turn, and the turn after the end of its response takes
the connection up again.  The coroutine may go on for longer than its response.

Runs in: worker
"""

from fastfork._core.apps.asgicall cimport AsgiCall
from fastfork._core.conn.connection cimport Connection
from fastfork._core.loop.crew cimport Seat, come_back, go_out, line_of
from fastfork._core.conn.deadlines cimport NOTHING
from fastfork._core.loop.hub cimport Hub
from fastfork._core.http.protocol cimport Protocol
from fastfork._core.published cimport ff_publish
from fastfork._core.http.request cimport HTTP_2
from fastfork._core.scoreboard cimport ANSWERS, IN_FLIGHT, IN_FLIGHT_SINCE, SINCE
from fastfork._core.http.site cimport Site
from fastfork._core.apps.taskboard cimport TaskBoard
from fastfork._core.apps.wscall cimport WebSocketCall
from fastfork._core.http.wshandshake cimport NO_WEBSOCKET, check_handshake
from fastfork._core.http.writer cimport AWAY, FINISHED, ResponseWriter

import sys
from asyncio import iscoroutine

cdef enum:
    SPARE_MAX = 64     # calls that wait for work

cdef str FIELDS = sys.intern("fastfork.fields")


async def _awaiting(awaitable):
    """What an application returned that is no coroutine but can be awaited."""
    return await awaitable


cdef class AsgiGateway(Gateway):
    """app: the ASGI application.  site: what its responses share.  Call `attach` before the first
    turn.

    root_path: see the setting.  state: what the lifespan has left for requests, or None."""

    def __cinit__(self, app, Site site, *, root_path="", state=None):
        self.app = app
        self.site = site
        self.crew = site.crew
        self.root_path = root_path
        self.state = state
        self.servers = []
        self.suspends = self.streams = True
        self.lines = InFlight(self.crew)
        self.crew.aside = True

    def attach(self, Hub hub, *, make_future, make_task, servers, call_turn=None,
               on_lost=None, max_message=16 << 20, max_queue=32, deflates=True, tls_of=None,
               callbacks=None):
        """hub: the loop's.  make_future() -> a future of the event loop's.  make_task(call) -> a
        task that steps `call`, which may have ended already.  servers: scope["server"] of each
        listener.  call_turn() has `Hub.turn` called soon, None where that comes anyway.
        on_lost(task): the client of this one has left before it had ended.  callbacks: the deque of
        handles that the event loop calls next, where `make_task` puts the first step of its task there
        and this gateway is to take it at once; None where a task has taken it already, or is to wait.

        max_message: bytes of a message of a WebSocket.  max_queue: of those that nobody has taken.
        deflates: they may be compressed.  tls_of(environ) -> the extension `tls`; None without TLS."""
        self.answering = hub.answering
        self.connections = hub.connections
        self.make_task = make_task
        self.servers = list(servers)
        self.board = TaskBoard(hub, make_future, call_turn, on_lost)
        self.tls_of = tls_of
        self.board.max_message = max_message
        self.board.max_queue = max_queue
        self.board.deflates = deflates
        self.callbacks = callbacks
        self.site.batch.soon = self.soon

    def soon(self):
        """There is something for a turn to do."""
        self.board.soon()

    def asked(self):
        """Is a turn to follow without anything to wait for?"""
        return self.board.asked

    def running(self, bint to_answer=False):
        """[(call, since when, request line), ...] of all whose response has not ended, the longest
        first.  to_answer: without WebSockets, which may last."""
        cdef AsgiCall call
        found = [(call.since, call, line_of(call.environ)) for call in self.board.calls
                 if not call.complete and call.environ is not None
                 and not (to_answer and type(call) is WebSocketCall)]
        found.sort(key=_since)
        return [(call, since, line) for since, call, line in found]

    def tasks(self):
        """The tasks that have not ended."""
        cdef AsgiCall call
        return [call.task for call in self.board.calls if call.task is not None]

    def tell_of_end(self):
        """The server ends soon: receive() says that the client has left."""
        cdef AsgiCall call
        for call in list(self.board.calls):
            call.stop()

    def websockets(self):
        """How many WebSockets are open, or in their handshake, and not to be closed."""
        cdef AsgiCall call
        return sum([type(call) is WebSocketCall and not call.stopping
                    for call in self.board.calls])

    def stop_websockets(self, int count):
        """Close so many of them with 1012: their clients come back to another worker."""
        cdef AsgiCall call
        for call in list(self.board.calls):
            if count <= 0:
                return
            if type(call) is WebSocketCall and not call.stopping:
                call.stop()
                count -= 1

    # Gateway

    cdef ResponseWriter writer(self, dict environ):
        cdef AsgiCall call = self.spare
        cdef int status
        if environ is not None and "HTTP_UPGRADE" in environ:
            status = check_handshake(
                environ["REQUEST_METHOD"] == "GET", environ["SERVER_PROTOCOL"] != "HTTP/1.0",
                environ["HTTP_UPGRADE"], environ.get("HTTP_CONNECTION"),
                environ.get("HTTP_SEC_WEBSOCKET_VERSION"), environ.get("HTTP_SEC_WEBSOCKET_KEY"))
            if status != NO_WEBSOCKET:
                call = WebSocketCall.__new__(WebSocketCall, self.site, self.board, status)
                call.over = True
                return call
        if call is None:
            call = AsgiCall.__new__(AsgiCall, self.site, self.board)
            call.over = True  # it has no task yet
            return call
        self.spare, call.next = call.next, None
        self.spare_count -= 1
        return call

    cdef int answer(self, ResponseWriter writer) except -1:
        cdef AsgiCall call = <AsgiCall>writer
        cdef Connection connection = call.connection
        cdef Seat seat = self.crew.first
        call.open(connection)
        call.since = call.began_ns
        if type(call) is WebSocketCall:
            if (<WebSocketCall>call).refuses():
                return FINISHED
            scope = (<WebSocketCall>call).scope_of(self._scope(call, connection))
        else:
            scope = self._scope(call, connection)
        # The wait of this request is over; the application may begin others.
        (<Protocol>connection.protocol).wait(connection, call.request, NOTHING)
        go_out(self.crew, seat, call.began_ns)
        try:
            coroutine = self.app(scope, call._receive, call._send)
            call.coroutine = coroutine if iscoroutine(coroutine) else _awaiting(coroutine)
            task = self.make_task(call)
            if self.callbacks is not None:
                self.callbacks.pop()._run()
            if not call.over:
                call.task = task
        except BaseException as error:
            call.coroutine = None
            if not call.over:
                call._ended(error)
            else:
                raise
        finally:
            come_back(self.crew, seat)
        if call.complete:
            return FINISHED
        self._goes_away(call)
        return AWAY

    cdef int abandon(self, ResponseWriter writer) except -1:
        return 0  # no response waits to be gone on with

    cdef int done(self, ResponseWriter writer) except -1:
        cdef AsgiCall call = <AsgiCall>writer
        call.is_done = True  # a coroutine that goes on has it let go when it ends
        return self._recycle(call) if call.over else 0

    cdef bint at_work(self) noexcept:
        return len(self.board.calls) > 0

    cdef int turn_begins(self) except -1:
        self.board.turning = True
        self.board.asked = False
        try:
            if self.board.returned:
                self._take_back()
        except BaseException:
            self.board.turning = False
            raise
        return 0

    cdef int turn_ends(self) except -1:
        self.board.turning = False
        return 0

    cdef int _goes_away(self, AsgiCall call) except -1:
        """Its task goes on beside the loop."""
        cdef Seat seat = self.crew.own_seat()
        call.is_away = True
        self.answering.went_away(call.connection)
        call.place = self.lines.take(seat, call.since)
        # It is still counted as busy, but the loop is not.
        seat.environ = None
        ff_publish(&seat.place[SINCE], 0)
        self.crew.slot[IN_FLIGHT_SINCE] = 0
        return 0

    cdef int _take_back(self) except -1:
        cdef AsgiCall call
        cdef Connection connection
        came, self.board.returned = self.board.returned, []
        self.answering.clock()
        for call in came:
            connection = call.client
            self.crew.busy -= 1
            self.crew.slot[IN_FLIGHT] = self.crew.busy
            self.lines.give_back(call.place)
            call.place = -1
            call.is_away = False
            try:
                self.answering.came_back(connection, call, FINISHED)
            except BaseException:
                self.crew.slot[ANSWERS] += 1
                self.connections.close_on_error(connection)
        return 0

    cdef int _recycle(self, AsgiCall call) except -1:
        """It may serve again if nobody else refers to what it gave away."""
        call.let_go()
        if type(call) is AsgiCall and call.recyclable() and self.spare_count < SPARE_MAX:
            call.next = self.spare
            self.spare = call
            self.spare_count += 1
        else:
            call.retire()
        return 0

    cdef dict _scope(self, AsgiCall call, Connection connection):
        """The scope of a request, made from its environ."""
        cdef dict environ = call.environ
        cdef str uri = environ["RAW_URI"]
        cdef str path = environ["PATH_INFO"]
        cdef bytes target = uri.encode("latin-1")
        cdef list fields = list(environ[FIELDS])
        if not path.isascii():
            path = path.encode("latin-1").decode("utf-8", "replace")
        if not target.startswith(b"/"):
            target = _origin_form(target)
            fields = _with_host(fields, environ.get("HTTP_HOST"))
        raw_path, _, query = target.partition(b"?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.5"},
            "http_version": _version(call.minor),
            "server": self.servers[connection.listener],
            "client": self._client(environ, connection),
            "scheme": environ["wsgi.url_scheme"],
            "method": (<str>environ["REQUEST_METHOD"]).upper(),
            "root_path": self.root_path or environ["SCRIPT_NAME"],
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": fields,
            "extensions": self._extensions(environ, call.minor),
        }
        if self.state is not None:
            scope["state"] = self.state.copy()
        return scope

    cdef object _client(self, dict environ, Connection connection):
        """(address, port) of whoever sent the request, None for a Unix socket's."""
        address = environ["REMOTE_ADDR"]
        if address is connection.remote_addr:
            return (address, connection.port) if connection.port >= 0 else None
        port = environ.get("REMOTE_PORT") or ""
        return (address, int(port) if port.isdigit() else 0)

    cdef dict _extensions(self, dict environ, int minor):
        extensions = {"http.response.pathsend": {}, "http.response.zerocopysend": {},
                      "http.response.early_hint": {}}
        if 0 < minor < HTTP_2:
            extensions["http.response.trailers"] = {}
        if self.tls_of is not None and "SSL_PROTOCOL" in environ:
            extensions["tls"] = self.tls_of(environ)
        return extensions


cdef str _version(int minor):
    if minor == HTTP_2:
        return "2"
    return "1.1" if minor else "1.0"


def _since(found):
    return found[0]


cdef bytes _origin_form(bytes target):
    """Path and query of a target in absolute form (RFC 9112 section 3.2.2); `*` stays."""
    _scheme, found, rest = target.partition(b"://")
    if not found:
        return target
    for at in range(len(rest)):
        if rest[at] in b"/?":
            rest = rest[at:]
            return rest if rest.startswith(b"/") else b"/" + rest
    return b"/"


cdef list _with_host(list fields, host):
    """The authority of the target stands for Host (RFC 9112 section 3.2.2)."""
    if host is None:
        return fields
    return [(b"host", host.encode("latin-1")),
            *[field for field in fields if field[0] != b"host"]]
