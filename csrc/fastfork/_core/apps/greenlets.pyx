"""One greenlet a request: the application waits cooperatively, and others are served meanwhile.

A turn of the loop runs in gevent's hub.  It switches to a greenlet that calls the application,
and the switch comes back when the application has answered, or when it waits for something:
waiting is a switch to gevent's hub, and the turn is where that was left.  So a request that is
answered at once costs two switches and nothing else, and goes on as with the other workers.

A request that waits is AWAY.  Its greenlet comes back to life in gevent's hub, outside any
turn, makes its response as far as it goes, and parks; the next turn takes it from there.  Until
then it touches nothing of the worker's but the batch.  Whoever has the hub goes out in the
application alone (turnstile.pyx), so a switch to another greenlet finds nobody inside; what may
come in between is a thread of the application's own.
Greenlets are used again if nobody remembers them.  A new one costs as much as a whole request.

Runs in: worker
"""

from cpython.object cimport PyObject
from libc.string cimport memcpy

from fastfork._core.conn.connection cimport ASKED, Connection, move
from fastfork._core.loop.crew cimport Crew, Seat, has_taken, line_of
from fastfork._core.loop.hub cimport Hub
from fastfork._core.published cimport ff_publish
from fastfork._core.apps.response cimport Responder
from fastfork._core.scoreboard cimport ANSWERS, IN_FLIGHT, IN_FLIGHT_SINCE, LINE, LINE_BYTES
from fastfork._core.scoreboard cimport LINE_SIZE, SINCE
from fastfork._core.http.site cimport Site
from fastfork._core.text cimport Py_REFCNT
from fastfork._core.http.writer cimport AWAY, FINISHED, ResponseWriter

import sys
from weakref import getweakrefcount
from greenlet import getcurrent

cdef str SOCKET = sys.intern("fastfork.socket")

cdef enum:  # what a task is told
    PARKED
    START
    GO_ON
    GIVE_UP
    END

cdef enum:
    IDLE_MAX = 256     # greenlets that wait for work


cdef class Task:
    """One greenlet, and the request that it answers."""

    def __cinit__(self, GreenletGateway gateway):
        self.gateway = gateway
        self.place = -1
        self.greenlet = gateway.make_greenlet(self.step)
        self.switch = self.greenlet.switch
        self.switch()  # it parks
        self.refs = Py_REFCNT(<PyObject *>self.greenlet)
        self.attributes = len(self.greenlet.__dict__)

    def step(self):
        """What the greenlet calls again and again: carry out an order and wait for the next.
        False: it is to end.  Never raises."""
        self._work()
        if self.is_away:
            self.gateway._comes_back(self)
            self.gateway.crew.release()  # there is no turn around us
        self._park()
        if self.order != END:
            return True
        self.is_dead = True
        if self.responder is not None:
            self.order = GIVE_UP  # it was thrown out while it was parked
            self.gateway.crew.enter(self.gateway.crew.first)
            self._work()
            self.gateway.crew.release()
            self.responder = None
        return False

    cdef int _work(self) except -1:
        cdef Responder responder = self.responder
        cdef int how = FINISHED
        if self.order == PARKED:
            return 0  # it is new
        try:
            if self.thrown is not None and self.order == GO_ON:
                thrown, self.thrown = self.thrown, None
                how = responder.break_off(thrown)
            elif self.order == START:
                how = responder.run(self.gateway.app)
            elif self.order == GO_ON:
                how = responder.resume()
            else:
                responder.abandon()
            if how == FINISHED:
                self._shed(responder)
        except BaseException as error:
            self.error = error
        self.thrown = None
        self.how = how
        return 0

    cdef int _shed(self, Responder responder) except -1:
        """Let go of what the application left behind, here and not in gevent's hub: a finalizer
        may wait too.  The answer goes out meanwhile."""
        cdef Crew crew = self.gateway.crew
        if crew.seat.environ is responder.environ:
            crew.seat.environ = None  # the loop has called us
        crew.out(crew.first, 0)
        responder.shed()
        crew.back(crew.first)
        return 0

    cdef int _park(self) except -1:
        """Wait for an order.

        Whatever else wakes us is not ours to answer; an exception that is thrown here (a
        gevent.Timeout that was never cancelled) is the request's, if there is one."""
        self.order = END if self.gateway.ended else PARKED
        while self.order == PARKED:
            try:
                self.gateway.to_loop()
            except BaseException as error:
                if self.responder is None or self.gateway.ended:
                    self.order = END
                else:
                    self.thrown = error
                    self.gateway.interrupted.append(self)
                    self.gateway.soon()
        return 0


cdef class GreenletGateway(WsgiGateway):
    """app: the WSGI application.  site: what its responses share.  Call `attach` before the first
    turn."""

    def __cinit__(self, app, Site site):
        self.suspends = True
        self.idle = []
        self.working = set()
        self.returned = []
        self.interrupted = []
        self.lines = InFlight(self.crew)
        self.crew.aside = True

    def attach(self, Hub hub, *, make_greenlet, to_loop, call_turn):
        """hub: the loop's.  make_greenlet(step) -> a gevent.Greenlet that calls step() until that
        is False, and shows in its __dict__ that somebody waits for its end.  to_loop() switches to
        gevent's hub.  call_turn() has it call `Hub.turn` soon."""
        self.answering = hub.answering
        self.connections = hub.connections
        self.make_greenlet = make_greenlet
        self.to_loop = to_loop
        self.call_turn = call_turn
        self.site.batch.soon = self.soon

    def soon(self):
        """There is something for a turn to do."""
        if self.crew.is_foreign(self.crew.first.ident):
            self.crew.nudge()  # gevent's loop is not for other threads to call
        elif not (self.turning or self.asked or self.ended):
            self.asked = True
            self.call_turn()

    def running(self, bint to_answer=False):
        """[(greenlet, since when, request line), ...] of all that are in the application, the
        longest first; the greenlet is None for the one that the loop itself has just called.
        to_answer: see Crew.running."""
        found = [(since, None, line) for _thread, since, line in self.crew.running(to_answer)]
        cdef Task task
        for task in self.working:
            if task.is_away and task.responder is not None:
                environ = task.responder.environ
                if environ is not None and not (to_answer and has_taken(environ)):
                    found.append((task.since, task.greenlet, line_of(environ)))
        found.sort(key=lambda one: one[0])
        return [(greenlet, since, line) for since, greenlet, line in found]

    def end(self):
        """No turn will follow.  Returns the greenlets that are left; each ends when an exception
        is thrown into it and the application lets it through."""
        cdef Task task
        self.ended = True
        return [task.greenlet for task in [*self.working, *self.idle]]

    cdef int turn_begins(self) except -1:
        self.turning = True
        self.asked = False
        try:
            if self.returned:
                self._take_back()
            if self.interrupted:
                self._break_all_off()
        except BaseException:
            self.turning = False
            raise
        return 0

    cdef int turn_ends(self) except -1:
        self.turning = False
        return 0

    cdef Connection connection_of_call(self):
        cdef Task task
        if self.crew.seat.environ is not None:
            return self.crew.seat.environ.get(SOCKET)  # the loop has just called it
        me = getcurrent()
        for task in self.working:
            if task.greenlet is me:
                return task.connection
        return None

    cdef bint at_work(self) noexcept:
        return self.closing != 0

    cdef int done(self, ResponseWriter writer) except -1:
        (<Responder>writer).shed()  # of a page of ours: its greenlet has seen to all others
        return self.recycle(<Responder>writer)

    # Into a greenlet.  In gevent's hub only.

    cdef int answer(self, ResponseWriter writer) except -1:
        cdef Task task = self._task()
        cdef Responder responder = <Responder>writer
        task.responder = responder
        task.connection = responder.connection
        responder.task = task
        return self._enter(task, START)

    cdef int resume(self, ResponseWriter writer) except -1:
        self._write_line(writer.environ)
        return self._enter(<Task>writer.task, GO_ON)

    cdef int abandon(self, ResponseWriter writer) except -1:
        cdef Task task = <Task>writer.task
        task.connection = None
        return self._enter(task, GIVE_UP)

    cdef Task _task(self):
        cdef Task task
        while self.idle:
            task = <Task>self.idle.pop()
            if not task.is_dead:
                return task
        return Task(self)

    cdef int _enter(self, Task task, int order) except -1:
        """Have it work until it has done, or waits.  Returns what the response does next."""
        cdef int how
        task.order = order
        task.how = AWAY
        task.switch()
        how = task.how
        if how == AWAY:
            self.crew.enter(self.crew.first)  # it has gone out
            self._goes_away(task)
            return AWAY
        if task.error is not None:
            error, task.error = task.error, None
            self._dismiss(task)
            raise error
        if how == FINISHED:
            self._dismiss(task)
        else:
            self.working.add(task)
        return how

    cdef int _goes_away(self, Task task) except -1:
        """It waits for something: the loop serves others."""
        cdef Seat seat = self.crew.own_seat()
        task.is_away = True
        task.since = seat.place[SINCE]
        self.working.add(task)
        if task.connection is None:
            self.closing += 1
            return 0  # close() of an iterable whose client is gone
        self.answering.went_away(task.connection)
        task.place = self.lines.take(seat, task.since)
        # It is still counted as busy, but the loop is not.
        seat.environ = None
        ff_publish(&seat.place[SINCE], 0)
        self.crew.slot[IN_FLIGHT_SINCE] = 0
        return 0

    # ... and back.

    cdef int _comes_back(self, Task task) except -1:
        """It has made its response as far as it goes.  In its own greenlet."""
        self.returned.append(task)
        self.soon()
        return 0

    cdef int _take_back(self) except -1:
        cdef Task task
        came, self.returned = self.returned, []
        self.answering.clock()
        for task in came:
            task.is_away = False
            if task.connection is None:
                self.closing -= 1
                self._dismiss(task)
                continue
            try:
                self._take_up(task)
            except BaseException:
                self.crew.slot[ANSWERS] += 1
                self.connections.close_on_error(task.connection)
        return 0

    def _break_all_off(self):
        """End the responses at which something was thrown while they waited (a gevent.Timeout)."""
        cdef Task task
        broken, self.interrupted = self.interrupted, []
        self.answering.clock()
        for task in broken:
            try:
                self._break_off(task)
            except BaseException:
                self.connections.close_on_error(task.connection)

    cdef int _break_off(self, Task task) except -1:
        cdef Connection connection = task.connection
        cdef Responder responder = task.responder
        cdef int how
        if (task.thrown is None or task.is_away or responder is None or connection is None
                or responder.request.busy or responder.request.writer is not responder):
            return 0
        self.crew.begin(responder.environ, self.connections.now)
        move(connection, ASKED)
        responder.request.busy = True
        how = self.resume(responder)
        if how == AWAY:
            return 0
        self.crew.end()
        return self.answering.came_back(connection, responder, how)

    cdef int _take_up(self, Task task) except -1:
        """Go on with the connection as if the loop had called the application itself."""
        cdef Connection connection = task.connection
        cdef Responder responder = task.responder
        cdef int how = task.how
        self.crew.busy -= 1
        self.crew.slot[IN_FLIGHT] = self.crew.busy
        self.lines.give_back(task.place)
        task.place = -1
        if task.error is not None:
            responder.request.busy = False
            error, task.error = task.error, None
            self._dismiss(task)
            raise error
        if how == FINISHED:
            self._dismiss(task)
        return self.answering.came_back(connection, responder, how)

    cdef int _dismiss(self, Task task) except -1:
        """It has done with its request."""
        if task.responder is not None:
            task.responder.task = None
        task.responder = None
        task.connection = None
        self.working.discard(task)
        if task.is_dead:
            return 0
        if len(self.idle) < IDLE_MAX and self._is_clean(task):
            self.idle.append(task)
            return 0
        task.order = END
        task.switch()
        return 0

    cdef bint _is_clean(self, Task task) except -1:
        """Is the greenlet as good as a new one?  Greenlet-local data, a link, a timeout that may
        yet be thrown, a child that knows its parent: each of them leaves something on it."""
        return (Py_REFCNT(<PyObject *>task.greenlet) == task.refs
                and not getweakrefcount(task.greenlet)
                and len(task.greenlet.__dict__) == task.attributes
                and not task.greenlet.spawn_tree_locals)

    cdef int _write_line(self, dict environ) except -1:
        """Put a request line on the loop's place of the scoreboard."""
        cdef Seat seat = self.crew.seat
        cdef bytes line = line_of(environ).encode("latin-1", "replace")[:LINE_BYTES]
        memcpy(&seat.place[LINE], <const char *>line, len(line))
        seat.place[LINE_SIZE] = len(line)
        return 0
