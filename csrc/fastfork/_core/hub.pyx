"""A worker's heart: what happens between two waits of the event loop.

The loop itself is Python (fastfork.workers.reactor): it waits, and gives what it was told to
`Hub.turn`.  A request that answers at once costs one recv and one send; the poller is told
about a connection once, when it is accepted and has not already been served and closed.

Ownership: a connection belongs to the hub, or while `busy` to the application call that
answers it.  The hub belongs to one thread at a time: see crew.pyx.

Runs in: worker
"""

from libc.stdint cimport int64_t

from fastfork._core.answer cimport Answer
from fastfork._core.batch cimport BATCH_NS, ff_pusher_is_set
from fastfork._core.caller cimport Caller
from fastfork._core.connection cimport BODY, CLOSED, IDLE, RESPONDING, Connection
from fastfork._core.connections cimport EPOLLIN
from fastfork._core.crew cimport Seat, go_away, go_in
from fastfork._core.deadlines cimport BRIEF_LINGER, HANGUP, LINGER, NEXT_REQUEST, READER
from fastfork._core.response cimport AWAY, FINISHED, WATCHED, YIELDED, Responder
from fastfork._core.scan cimport ff_error_text
from fastfork._core.scoreboard cimport ANSWERS, BYTES_SENT, HEARTBEAT
from fastfork._core.scoreboard cimport KEPT_ALIVE, REFUSED, REQUESTS, STATIC_ANSWERS
from fastfork._core.tally cimport tally_answer, tally_wait
from fastfork._core.ticks cimport now_ns

import sys

cdef enum:
    READY_NS = 10000000       # of a turn for work that was left over
    AWAKE_NS = 1000000000     # between two looks up of a worker that is used
    LOG_NS = 50000000         # how long an access log line may wait for company
    LOG_LINES = 512           # ... and how many may
    WORN_MAX = 16             # answers of a turn whose leftovers may wait for its end

cdef double LOOK_UP = -1.0    # what a turn returns besides the seconds to wait
cdef double LOST_LEAD = -2.0

cdef str EARLY_HINTS = sys.intern("wsgi.early_hints")


cdef class Hub(Caller):
    """The answering half.  See `Caller`, `Receiver` and `Connections` for the other arguments.

    write_access(lines: list[str]) writes access log lines.
    most_requests: after so many the worker is told, 0 = never.
    """

    def __init__(self, app, *, site, batch, deadlines, poller, parser, environs, write_access,
                 most_connections, accepts, spool_after, spool_dir, trusted=None, forwarded=None,
                 proxy_versions=0, is_proxy=None, body_min_rate=0, body_grace=10.0,
                 queue_timeout=0, most_requests=0):
        # Each layer below takes its own of these, and none knows all: here they are named, so
        # that one which nobody takes is an error.
        self.write_access = write_access
        self.most_requests = most_requests

    def rest(self):
        """Forget what was remembered of requests, if none came since the last call; and in any
        case what has been remembered for long."""
        if self.slot[REQUESTS] == self.rested:
            self.forget_values()
        else:
            self.expire_blocks()
        self.rested = self.slot[REQUESTS]

    def look_up_in(self, seconds):
        """Return from the loop, see `turn`, in `seconds` at the latest; and in one second, as soon
        as something comes."""
        self.attention = False
        self.dozes = seconds > 1.0
        self.look_up_ns = now_ns() + <int64_t>(seconds * 1e9)

    def turn(self, list events, Seat seat=None):
        """Serve what the poller reported: [(descriptor, mask), ...].

        Returns the seconds to wait for more, 0 when there is work left; -1 when the worker
        should look up: the time given to `look_up_in` is over, `attention` is set,
        most_requests are served, or the last connection of a worker that leaves is gone.

        seat: of the thread that calls, where there are several.  -2: another one leads now.
        """
        cdef double wait = 0.0
        if self.crew.forks.foreign:
            self.crew.stay()
        go_in(self.crew, self.crew.first if seat is None else seat)
        try:
            if seat is None:
                return self._turn(events)
            if self.crew.leader is seat:
                wait = self._turn(events)
            else:
                self.now = self.turn_ns = now_ns()
                self._go_on_here(0)
                self._flush()
                if self.crew.seat.worn is not None:
                    self._shed()
            if self.crew.leader is not seat:
                self._nudge()
            return LOST_LEAD if self.crew.leader is not seat or self.crew.stopping else wait
        finally:
            go_away(self.crew)

    cdef int _nudge(self) except -1:
        """As a guest, on the way out: the leader may wait for longer than what we leave to it."""
        cdef int64_t wait = 0 if self._is_time() else self._wait()
        if self.now + wait < self.back_ns and self.crew.nudge is not None:
            self.back_ns = 0  # once is enough
            self.crew.nudge()
        return 0

    cdef bint _is_time(self) noexcept:
        return (self.attention or self.now >= self.look_up_ns
                or (self.site.draining and self._has_done())
                or (self.most_requests and self.slot[REQUESTS] >= self.most_requests
                    and not self.site.draining))

    cdef double _turn(self, list events) except -3:
        cdef Connection connection
        cdef int64_t wait, began, due, term = self.crew.terms
        cdef Py_ssize_t left
        self.now = self.turn_ns = began = now_ns()
        self.crew.end()  # after a mishap
        if self.crew.keeping:
            self._pause()
        else:
            if self.paused:
                self._unpause()
            self._serve_queued()
        if not self.crew.keeping or self.crew.places > 1:
            self.slot[HEARTBEAT] = self.now  # the keeper's alone says nothing of the only thread
        self.site.lines.refresh()
        left = len(events)
        if self.dozes and left:
            self.dozes = False
            self.look_up_ns = min(self.look_up_ns, began + AWAKE_NS)
        for event in events:
            if self.crew.terms != term:
                break  # others have led meanwhile, and the poller tells it all again
            left -= 1
            self.batch.is_last = left == 0
            fd = (<tuple>event)[0]
            entry = self.table[<int>fd]
            if type(entry) is Connection:
                connection = <Connection>entry
                try:
                    self._event(connection, (<tuple>event)[1])
                except BaseException:
                    self._mishap(connection)
                if self.batch.waiting() and self.now - self.batch.outs.first_ns > BATCH_NS:
                    self._flush()
                if left and self.crew.seat.worn is not None and not self.crew.displaced():
                    self._shed()
            elif entry is not None:
                entry()
        if self.ready and not self.crew.keeping and self.crew.terms == term:
            self._flush()  # whoever does not take what he asked for gets no more made for him
            self._go_on_anywhere(began)
        if self.crew.seat.inbox:
            self._flush()
            self._go_on_here(began)
        self._flush()
        due = self.deadlines.next()
        if 0 <= due <= began:
            self._expire(began)
            self._flush()
        if self.crew.seat.worn is not None:
            self._shed()
        if self.listen_again and self.now >= self.listen_again:
            self.listen_again = 0
            self._listen(True)
        self.slot[BYTES_SENT] = self.batch.bytes_sent
        self.slot[KEPT_ALIVE] = self.deadlines.count[NEXT_REQUEST]
        if self._is_time():
            return LOOK_UP
        wait = 0 if self.crew.terms != term else self._wait()
        if not self.crew.displaced():
            self.back_ns = self.now + wait
            if wait > 0 and ff_pusher_is_set(&self.batch.outs):
                self.batch.rest(self.now)
        return wait * 1e-9 if wait > 0 else 0.0

    cdef int _go_on_anywhere(self, int64_t began) except -1:
        """Take up the connections that had bytes left in an earlier turn."""
        cdef Connection connection
        going_on, self.ready = self.ready, []
        for at, connection in enumerate(going_on, 1):
            self.batch.is_last = at == len(going_on)
            try:
                self._go_on(connection)
            except BaseException:
                self._mishap(connection)
            if self.now - began > READY_NS or self.crew.displaced():
                self.ready = going_on[at:] + self.ready
                break
        return 0

    cdef int _go_on_here(self, int64_t began) except -1:
        """Take up the responses that are this thread's.  began: of the turn; 0: there is no
        hurry, as somebody else leads."""
        cdef Seat seat = self.crew.seat
        self.batch.is_last = True
        while seat.inbox:
            going_on, seat.inbox = seat.inbox, []
            for at, item in enumerate(going_on, 1):
                try:
                    if type(item) is Connection:
                        self._go_on(<Connection>item)
                    else:
                        self._abandon(<Responder>item)
                except BaseException:
                    if type(item) is Connection:
                        self._mishap(<Connection>item)
                    elif self.site.leaving() or self.crew.forks.foreign:
                        raise
                    else:
                        self.log.exception("Error in the server while it gave up a response")
                if self.crew.leader is seat and self.now - began > READY_NS:
                    # Many streams, each with its time: others have sent requests meanwhile.
                    seat.inbox = going_on[at:] + seat.inbox
                    return 0
            if self.crew.leader is seat:
                return 0  # who goes on again does so in the next turn
            self._flush()
        return 0

    cdef int64_t _wait(self) except -2:
        """Nanoseconds until something is due; also writes the access log when it is."""
        cdef int64_t wait = self.look_up_ns - self.now, due = self.deadlines.next()
        if due >= 0:
            wait = min(wait, due - self.now)
        if self.site.access_lines:
            if self.now - self.log_ns >= LOG_NS or len(self.site.access_lines) >= LOG_LINES:
                self.log_ns = self.now
                self.flush_access_log()
            else:
                wait = min(wait, <int64_t>LOG_NS)
        if self.listen_again:
            wait = min(wait, self.listen_again - self.now)
        return 0 if (self.ready and not self.crew.keeping) or self.crew.leader.inbox else wait

    def flush_access_log(self):
        """Write the lines that wait for company."""
        if self.site.access_lines:
            self.write_access(self.site.access_lines)
            self.site.access_lines.clear()

    # A request's answer.

    cdef int _answer(self, Connection connection) except -1:
        """Call the application for the complete request that is `running`."""
        cdef Responder responder
        cdef Answer answer = None
        cdef dict environ = self.running
        cdef int64_t began
        cdef int how
        if self.tells:
            self._tell(connection, "asks: %s %s" % (environ["REQUEST_METHOD"], environ["RAW_URI"]))
        if connection.turned_away:
            connection.turned_away = False
            self._forget_request(connection)
            connection.environ = environ  # for the access log
            return self._refuse(connection, 0, 503)
        if self.batch.waiting():
            # The answers already in the batch wait for this one, unless that takes long; where
            # requests have ended their workers, they would be lost with it.
            if (self.now - self.batch.outs.first_ns + self.usual_ns > BATCH_NS
                    or self.site.closing[0]):
                self._flush()
                if connection.state == CLOSED:
                    return self._forget_request(connection)
            else:
                self.batch.guard()
        if self.static is not None:
            answer = self.static.ask(environ)
        responder = self._responder()
        began = self.now
        responder.begin(connection, connection.minor, connection.is_head,
                        connection.keep_alive and self.deadlines.patience[NEXT_REQUEST] > 0,
                        began)
        environ[EARLY_HINTS] = responder._early_hints
        self.running = None
        self.slot[REQUESTS] += 1
        self.crew.begin(environ, began)
        connection.state = IDLE
        connection.busy = True
        connection.served += 1
        self.asked_ns = connection.asked_ns or self.turn_ns
        connection.asked_ns = 0
        tally_wait(self.slot, began - self.asked_ns)
        responder.environ = environ
        environ = None  # what is in it is the application's: the responder lets go of it (shed)
        if self.crew.seat.worn_count >= WORN_MAX:
            self.batch.flush()
            self._shed()
        how = self._run(responder) if answer is None else responder.serve(answer)
        if how == AWAY:
            return 0
        connection.busy = False
        self.crew.end()
        self.now = now_ns()
        self.slot[HEARTBEAT] = self.now
        if answer is not None:
            self.slot[STATIC_ANSWERS] += 1
            return self._progress(connection, responder, how)
        # One that takes a minute says as much of the next as one that takes two milliseconds.
        self.usual_ns += (min(self.now - began, <int64_t>(2 * BATCH_NS)) - self.usual_ns) >> 3
        return self._progress(connection, responder, how)

    cdef int _progress(self, Connection connection, Responder responder, int how) except -1:
        """What a response did decides what the connection waits for."""
        if self.crew.many and responder.seat is not None:
            responder.seat.streams += (how != FINISHED) - (connection.responder is not None)
        if how == FINISHED:
            if connection.detached:
                self.slot[ANSWERS + 1] += 1  # how long it lasted says nothing of answers
            else:
                tally_answer(self.slot, responder.head.status if responder.started else 0,
                             self.now - responder.began_ns)
        if connection.state == CLOSED:
            connection.responder = None
            if how == FINISHED:
                self._give_back(responder)
            else:
                self._abandon(responder)
            return 0
        if how == FINISHED:
            connection.responder = None
            connection.lingers = LINGER if connection.keep_alive and connection.close_after else 0
            self._give_back(responder)
            connection.state = IDLE
            if not connection.close_after:
                self.deadlines.set(connection, NEXT_REQUEST, self.now)
            if connection.has_ended():
                self.ready.append(connection)
            return self._catch_up(connection) if self.crew.aside else 0
        connection.responder = responder
        connection.state = RESPONDING
        if how == YIELDED:
            self.deadlines.remove(connection)
            self._later(connection)
        elif how == WATCHED:
            # Nothing but a reset or the end of this wait is of interest now.
            self.deadlines.set(connection, HANGUP, self.now)
            self._watch(connection, 0)
        else:
            self.deadlines.set(connection, READER, self.now)
            self.batch.look_at(connection)
        return 0

    cdef int _refuse(self, Connection connection, int code, int status) except -1:
        """Answer with an error page; nothing more is read as a request from this client."""
        cdef Responder responder = self._responder()
        self.slot[REFUSED] += 1
        if code and self._may_tell():
            self.log.warning("Invalid request from ip=%s: %s", connection.remote_addr or "-",
                             ff_error_text(code).decode("ascii"))
        responder.environ = self._seen(connection)
        connection.forget_partial()
        if connection.body is not None:
            connection.body.discard()
            connection.body = None
        connection.environ = None
        responder.begin(connection, 1, connection.is_head, False, self.now)
        responder.refuse(status)
        self._progress(connection, responder, FINISHED)
        connection.lingers = BRIEF_LINGER if status == 408 else LINGER
        return 0

    cdef int _go_on(self, Connection connection) except -1:
        """Take up a connection that had work left in an earlier turn."""
        cdef Responder responder
        cdef int64_t began = self.now
        if connection.state == CLOSED or connection.busy or connection.outbox is not None:
            return 0  # gone, or its turn comes when it has read what waits for it
        if connection.responder is not None:
            responder = <Responder>connection.responder
            if responder.seat is not self.crew.seat:
                return self.crew.hand(responder.seat, connection)
            self.crew.begin(responder.environ, began)
            connection.busy = True
            how = self._resume(responder)
            if how == AWAY:
                return 0
            connection.busy = False
            self.crew.end()
            self.now = now_ns()
            self._progress(connection, responder, how)
            if how != FINISHED:
                return 0
        if connection.partial != NULL and connection.state == IDLE:
            self._consume_partial(connection)
        if connection.state <= BODY and not connection.close_after:
            if connection.has_ended():
                return self._see_end(connection)
            self._watch(connection, EPOLLIN)
        return 0
