"""What all responses of a worker share.

Runs in: worker
"""

cimport cython
from libc.stdint cimport int64_t

from fastfork._core.conn.batch cimport Batch
from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.outbox cimport Outbox
from fastfork._core.http.response_head cimport ServerLines
from fastfork._core.words cimport words_of

import os

cdef enum:
    SERVER_STATE = 1       # words of the server's slot (fastfork.ipc.scoreboard, tally)
    SERVER_CLOSING = 168
    REFUSAL_LOG_NS = 1000000000


@cython.final
cdef class Site:
    """log: logging.Logger.  pages(status: int) -> (status line, bytes): the error pages.
    access_line: None, or what formats an access log line (fastfork.logs.access).
    line_waits: that may take its time, as it calls code of the application's.
    leaving() -> bool: is a SystemExit that comes out of the application the worker's own?
    draining: every answer says that the connection will close.  So it does while the server says
    so; server: its words on the scoreboard, None for none.
    spool_dir: directory for what a client does not take, None for the system's.
    response_buffer: bytes of one response that may wait there.
    reads_files: files are read and sent, not by sendfile(2).
    socket_of(connection) -> the `gunicorn.socket` of a request that wants to upgrade.
    take_over(socket, rest: bytes, TlsStream or None) -> what reads the rest first, or through TLS.
    server_header: what responses and pages say in Server, where the application does not."""

    def __cinit__(self, Batch batch, *, Crew crew, log, pages, access_line, leaving, socket_of, take_over,
                  spool_dir=None, response_buffer=1 << 30, line_waits=False,
                  server_header="fastfork", server=None, reads_files=False):
        self.batch = batch
        self.crew = crew
        self.lines = ServerLines(server_header)
        self.log = log
        self.pages = pages
        self.access_line = access_line
        self.leaving = leaving
        self.spool_dir = spool_dir
        self.spill_max = response_buffer
        self.socket_of = socket_of
        self.take_over = take_over
        self.line_waits = line_waits
        self.reads_files = reads_files
        self.told, self.access_lines, self.on_dropped = set(), [], self._dropped
        self.server = memoryview(bytes(8 * (SERVER_CLOSING + 1)) if server is None else server)
        words = words_of(self.server, SERVER_CLOSING + 1, writes=False)
        self.server_state, self.closing = words + SERVER_STATE, words + SERVER_CLOSING

    cdef int spill(self, Connection connection) except -1:
        """Let the disk hold what this client does not take.  Where that is impossible or more
        than `response_buffer`, the connection is broken, and the log says so."""
        cdef Outbox outbox = connection.outbox
        try:
            outbox.spill(self.spool_dir)
        except OSError as error:
            connection.broken = True
            self.log.error("a response to %s cannot be kept: %s; the connection is closed",
                           connection.remote_addr or "a client", error)
            return 0
        if outbox.spilled > self.spill_max:
            connection.broken = True
            self.log.error("%s does not read its response, and more than response_buffer (%d "
                           "bytes) of it waits; the connection is closed",
                           connection.remote_addr or "a client", self.spill_max)
        return 0

    cdef int lose(self, Connection connection) except -1:
        """The client is gone; or it is the file that was to be sent, which has its line."""
        cdef int fault = connection.outbox.fault
        connection.broken = True
        if fault:
            why = f"cannot be read: {os.strerror(fault)}" if fault > 0 else "has become shorter"
            self.log.error("a file that is being sent to %s %s; the connection is closed",
                           connection.remote_addr or "a client", why)
        return 0

    cdef bint may_log_refusal(self, int64_t now) noexcept:
        """May one more connection that is refused have a line in the log?"""
        if now - self.refused_ns <= REFUSAL_LOG_NS:
            return False
        self.refused_ns = now
        return True

    def _dropped(self, name):
        if name not in self.told:
            self.told.add(name)
            self.log.error(
                "the application sent the hop-by-hop header %r, which PEP 3333 leaves to the "
                "server; it is dropped (said once a worker)", name)
