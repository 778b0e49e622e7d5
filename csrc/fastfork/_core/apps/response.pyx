"""One response: from what the application returns to bytes on their way (PEP 3333).

Code of the application's runs outside (crew.pyx), whatever it is: the call, its iterator, its
files and classes, `close()`, the traceback of what it raised.  So does what nobody thinks of: what
it left in the environ, in the context, in a traceback has finalizers.  So all that stays with the
responder until `shed` lets go of it, when the answer is on its way.

Runs in: worker
"""

from cpython.object cimport PyObject
from libc.stdint cimport int64_t

from fastfork._core.conn.batch cimport NOT_ASKED, Batch
from fastfork._core.conn.connection cimport Connection
from fastfork._core.loop.crew cimport Crew, come_back, go_out
from fastfork._core.failing cimport note_cut
from fastfork._core.apps.filewrapper cimport FileWrapper
from fastfork._core.conn.outbox cimport FILE_COPY_MAX, FileSegment, owning
from fastfork._core.scoreboard cimport ANSWERS
from fastfork._core.text cimport PyBytes_CheckExact, PyBytes_GET_SIZE, ff_is_unique
from fastfork._core.ticks cimport now_ns
from fastfork._core.http.writer cimport BLOCKED, WATCHED, YIELDED

import os
import stat
import sys

from fastfork._core.apps.filewrapper import is_plain_file

cdef enum:
    JOIN_MAX = 64 << 10       # lists of blocks up to this size become one block
    TURN_BLOCKS = 64          # blocks of one response before others get a turn
    TURN_NS = 10000000
    SLOW_BLOCK_NS = 100000000  # an application that takes this long for a block is asked less

cdef extern from "Python.h":
    object PyContext_CopyCurrent()
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1
    Py_ssize_t PyObject_Size(object thing) except -1

cdef object ENDED = object()
cdef str EARLY_HINTS = sys.intern("wsgi.early_hints")


cdef class Responder(Exchange):
    """Calls the application and delivers what comes back, as far as it goes at a time."""

    cdef int run(self, app) except -1:
        """Call the application for `environ` and deliver what it returns as far as it goes now.

        Everything of the application runs in one contextvars context of its own (PEP 567):
        what it sets there is set when its iterator goes on, and for nobody else."""
        if self.context is None:
            self.context = PyContext_CopyCurrent()
        PyContext_Enter(self.context)
        try:
            return self._call(app)
        finally:
            PyContext_Exit(self.context)

    cdef int _call(self, app) except -1:
        cdef Crew crew = self.site.crew
        self.seat = crew.seat
        self.left_ns = 0
        (<dict>self.environ)[EARLY_HINTS] = self._early_hints
        try:
            go_out(crew, self.seat, self.began_ns)
            try:
                body = app(self.environ, self._start_response)
            finally:
                come_back(crew, self.seat)
        except BaseException:
            return self._failed()
        if self.site.crew.forks.foreign:
            self._leave(None)
        return self.deliver(body)

    cdef int deliver(self, body) except -1:
        cdef Py_ssize_t total = 0
        self.body = body
        try:
            if self.started:
                if type(body) is list or type(body) is tuple:
                    for block in body:
                        if not PyBytes_CheckExact(block):
                            break
                        total += PyBytes_GET_SIZE(block)
                    else:
                        if len(body) == 1:
                            return self._whole(<bytes>body[0])
                        if total <= JOIN_MAX:
                            return self._whole(b"".join(body))
                        if not self.head.has_length and not self.head_sent:
                            self.head._field(("Content-Length", str(total)))
                elif type(body) is bytes:
                    return self._whole(<bytes>body)
                elif type(body) is FileWrapper and not self.head_sent:
                    part = self._measure(<FileWrapper>body)
                    if type(part) is bytes:
                        return self._whole(<bytes>part)
                    if part is not None and not self.head_sent:  # by another thread
                        return self._file(<FileSegment>part)
            self.blocks = self._iterator(body)
            self._stay_or_leave(None)
        except BaseException:
            return self._failed()
        return self._deliver_blocks()

    cdef object _iterator(self, body):
        self.site.crew.out(self.seat, now_ns() if self.site.crew.many else 0)
        try:
            return iter(body)
        finally:
            self.site.crew.back(self.seat)

    cdef object _next(self, int64_t now):
        """The next block, or ENDED; the application is asked at `now`."""
        self.site.crew.out(self.seat, now)
        try:
            block = next(self.blocks, ENDED)
            if block is not ENDED and not PyBytes_CheckExact(block):
                if not isinstance(block, bytes):
                    raise TypeError(f"the application's iterable gave {type(block).__name__}, "
                                    f"not bytes")
                block = bytes(block)  # a class of its own may do what it likes
            return block
        finally:
            self.site.crew.back(self.seat)

    cdef object _measure(self, FileWrapper wrapper):
        """A file as it can be sent, from where it stands: FileSegment, or bytes if they are few.
        None for one that has to be read as the application reads it.

        The descriptor is a copy: the number may be another file's as soon as somebody closes this
        one."""
        cdef FileSegment segment
        self.site.crew.out(self.seat, now_ns() if self.site.crew.many else 0)
        try:
            if not is_plain_file(wrapper.filelike):
                return None
            segment = owning(os.dup(wrapper.filelike.fileno()))
            facts = os.fstat(segment.fd)
            segment.offset = wrapper.filelike.tell()
            segment.left = facts.st_size - segment.offset
            # One that is empty may be one that tells no size, as those of /proc: reading shows.
            if not stat.S_ISREG(facts.st_mode) or segment.left <= 0:
                return None
            if self.head.has_length:
                segment.left = min(segment.left, self.head.length)
            if segment.left <= FILE_COPY_MAX:
                return os.pread(segment.fd, segment.left, segment.offset)
            return segment
        except (OSError, ValueError, AttributeError):
            return None
        finally:
            self.site.crew.back(self.seat)

    cdef int resume(self) except -1:
        """Go on with a response that was BLOCKED, YIELDED or WATCHED."""
        PyContext_Enter(self.context)
        try:
            return self._deliver_blocks()
        finally:
            PyContext_Exit(self.context)

    cdef int break_off(self, error) except -1:
        """Something was thrown at a response that waits: it ends as if its application had
        raised that."""
        PyContext_Enter(self.context)
        try:
            raise error
        except BaseException:
            return self._failed()
        finally:
            PyContext_Exit(self.context)

    cdef int _deliver_blocks(self) except -1:
        """Take blocks from the application until it ends, the client is full, or it is
        somebody else's turn."""
        cdef int count = 0
        cdef int64_t asked = now_ns()
        # The first block of a response is not timed: it may well be the last.
        cdef int64_t until = asked + TURN_NS if self.head_sent else 0
        cdef Batch batch = self.site.batch
        cdef Connection connection = self.connection
        try:
            while True:
                if connection.broken and (self.started or connection.detached):
                    return self._finish()
                block = self._next(asked)
                if self.site.crew.forks.foreign:
                    self._leave(None)
                if block is ENDED:
                    self._need_start()
                    return self._finish()
                if block:
                    self._need_start()
                    if self._block(<bytes>block):
                        return self._finish()
                    # The client waits for this block, and the application may take its time
                    # over the next one, or over its end.
                    batch.hold(connection, self.left == 0, asked if until else NOT_ASKED)
                if self.head_sent and self.bodyless:
                    return self._finish()
                if connection.outbox is not None:
                    return BLOCKED
                if block:
                    if batch.held_ns - asked > SLOW_BLOCK_NS and connection.hung_up():
                        batch.flush()
                        return WATCHED
                    asked = batch.held_ns
                count += 1
                if until == 0:
                    until = now_ns() + TURN_NS
                elif count >= TURN_BLOCKS or now_ns() > until:
                    return YIELDED
        except BaseException:
            return self._failed()

    cdef int _failed(self) except -1:
        """The application raised; the exception is being handled."""
        cdef bint is_alone
        error = sys.exc_info()[1]
        self._stay_or_leave(error)
        if not isinstance(error, Exception) and self.site.leaving():
            raise error
        self._keep(error)
        is_alone = self.connection.broken and isinstance(error, BrokenPipeError)
        self.site.crew.out(self.seat, now_ns())
        try:
            self._tell(error, is_alone)
        finally:
            self.site.crew.back(self.seat)
        if is_alone or self.connection.detached:
            return self._finish()
        if self.head_sent:
            # No last chunk, no full length: the client must see that it is cut.  Where only
            # the end of the connection ends the body (HTTP/1.0), a reset shows it.
            self.connection.cut = self._looks_whole()
            note_cut(self.site.crew.slot, self.environ, self.head.status)
            self.keep_alive = False
            self.chunked = False
            self.left = -1
            return self._finish()
        return self.refuse(500)

    cdef int _keep(self, error) except -1:
        """What it raised holds the frames it went through, and all that is in them."""
        self.raised = error if self.raised is None else (self.raised, error)
        return 0

    cdef int abandon(self) except -1:
        """The client is gone: nothing more is sent, but the iterable is closed."""
        self.keep_alive = False
        self.site.crew.slot[ANSWERS] += 1
        PyContext_Enter(self.context)
        try:
            return self._end()
        finally:
            PyContext_Exit(self.context)

    cdef int _close_body(self) except -1:
        """PEP 3333: close() of the iterable, exactly once, however the response ended."""
        cdef Crew crew = self.site.crew
        body, self.body = self.body, None
        if body is None or type(body) is list or type(body) is tuple or type(body) is bytes:
            return 0
        self.waste = body
        if self.site.batch.waiting() or self.connection.carrier is not None:
            # The client need not wait for what close() does.
            self.site.batch.hold(self.connection, True, NOT_ASKED)
        try:
            crew.out(self.seat, now_ns())
            try:
                self.blocks = None  # a generator of its own ends before it
                close = getattr(body, "close", None)
                if close is not None:
                    close()
            finally:
                crew.back(self.seat)
            self._stay_or_leave(None)
        except BaseException as error:
            self._stay_or_leave(error)
            if not isinstance(error, Exception) and self.site.leaving():
                raise
            self._keep(error)
            self.site.log.exception("Error in close() of the application's iterable")
        return 0

    cdef int shed(self) except -1:
        """Let go of what is the application's.  Called outside, once the response has ended: this
        is where what it left behind is finalized."""
        self.environ = None
        # Most responses have nothing else; to look costs less than to store.
        if self.waste is not None:
            self.waste = None
        if self.blocks is not None or self.body is not None:
            self.blocks = self.body = None
        if self.raised is not None:
            self.raised = None
        if self.status is not None:
            self.status = self.fields = None
        if self.context is not None and (not ff_is_unique(<PyObject *>self.context)
                                         or PyObject_Size(self.context) != 0):
            self.context = None  # an empty one that nobody kept is as good as a new one
        if self.spool is not None:
            spool, self.spool = self.spool, None
            try:
                spool.close()  # not left to whoever still holds the environ
            except Exception:
                pass  # it may be in use; nobody wants what is in it
        return 0
