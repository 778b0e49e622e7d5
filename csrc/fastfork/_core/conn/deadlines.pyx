"""Deadlines of all connections, in one first-in first-out list a kind of wait.

Every wait of one kind has the same length, so the order in which waits begin is the order in
which they run out: setting, moving and dropping a deadline touch three neighbours, and
looking for expired ones looks at the first of each list only.  No sweep, no heap.  `waiting` has
a bit for each list that is not empty.

Runs in: worker
"""

cimport cython

cdef extern from *:
    int __builtin_ctz(uint32_t bits) nogil  # the number of the lowest bit that is set

cdef int64_t FOR_EVER_NS = <int64_t>1 << 61  # 73 years


cdef tuple TIME_IS_UP = (
    None, "it has sent nothing", "no other request came within keepalive",
    "its head was not complete within header_timeout", "its body paused for body_timeout",
    "it did not read for write_timeout", "it did not close in time", "it did not close in time",
    None, None, "its handshake took longer than tls_handshake_timeout", None, None, None,
)


cdef str time_is_up(int wait):
    """Why a connection is closed whose wait of this kind is over."""
    return <str>TIME_IS_UP[wait]


@cython.final
cdef class Deadlines:
    """first_byte ... queued: seconds, how long each kind of wait may last; queued=0: for ever."""

    def __cinit__(self, *, first_byte, next_request, whole_head, more_body, reader, linger,
                  brief_linger=0.5, hangup=0.05,
                  queued=0, shake=10.0, ping=0, pong=0, closing=2.0):
        self.patience[FIRST_BYTE] = <int64_t>(first_byte * 1e9)
        self.patience[NEXT_REQUEST] = <int64_t>(next_request * 1e9)
        self.patience[WHOLE_HEAD] = <int64_t>(whole_head * 1e9)
        self.patience[MORE_BODY] = <int64_t>(more_body * 1e9)
        self.patience[READER] = <int64_t>(reader * 1e9)
        self.patience[LINGER] = <int64_t>(linger * 1e9)
        self.patience[BRIEF_LINGER] = <int64_t>(min(brief_linger, linger) * 1e9)
        self.patience[HANGUP] = <int64_t>(hangup * 1e9)
        self.patience[SHAKE] = <int64_t>(shake * 1e9)
        self.patience[PING] = <int64_t>(ping * 1e9)
        self.patience[PONG] = <int64_t>(pong * 1e9)
        self.patience[CLOSING] = <int64_t>(closing * 1e9)
        self.patience[QUEUED] = <int64_t>(queued * 1e9) if queued else FOR_EVER_NS

    cdef void remove(self, Connection connection) noexcept:
        cdef int wait = connection.which_list
        if wait == NOTHING:
            return
        if connection.before != NULL:
            (<Connection>connection.before).behind = connection.behind
        else:
            self.first[wait] = connection.behind
        if connection.behind != NULL:
            (<Connection>connection.behind).before = connection.before
        else:
            self.last[wait] = connection.before
        connection.before = connection.behind = NULL
        connection.which_list = NOTHING
        self.count[wait] -= 1
        if self.count[wait] == 0:
            self.waiting &= ~(<uint32_t>1 << wait)

    cdef void set(self, Connection connection, int wait, int64_t now) noexcept:
        """The connection now waits like this, from now on."""
        connection.deadline = now + self.patience[wait]
        if connection.which_list == wait and connection.behind == NULL:
            return  # it is the last already
        self.remove(connection)
        self.count[wait] += 1
        self.waiting |= <uint32_t>1 << wait
        connection.which_list = wait
        connection.before = self.last[wait]
        if self.last[wait] != NULL:
            (<Connection>self.last[wait]).behind = <void *>connection
        else:
            self.first[wait] = <void *>connection
        self.last[wait] = <void *>connection

    cdef Connection oldest(self, int wait):
        """The connection that waits like this for the longest time, or None."""
        return None if self.first[wait] == NULL else <Connection>self.first[wait]

    cdef Connection newest(self, int wait):
        """The connection that has waited like this for the shortest time, or None."""
        return None if self.last[wait] == NULL else <Connection>self.last[wait]

    cdef Connection expired(self, int wait, int64_t now):
        """A connection whose wait of this kind has run out, off its list; or None."""
        cdef Connection connection
        if self.first[wait] == NULL:
            return None
        connection = <Connection>self.first[wait]
        if connection.deadline > now:
            return None
        self.remove(connection)
        return connection

    cdef int64_t next(self) noexcept:
        """The earliest deadline in nanoseconds, or -1 when there is none."""
        cdef int64_t earliest = -1
        cdef int64_t deadline
        cdef uint32_t left = self.waiting
        while left:
            deadline = (<Connection>self.first[__builtin_ctz(left)]).deadline
            left &= left - 1
            if earliest < 0 or deadline < earliest:
                earliest = deadline
        return earliest

    cdef void shorten(self, int wait, int64_t deadline) noexcept:
        """No wait of this kind lasts beyond `deadline`.  The order stays what it was."""
        cdef void *at = self.first[wait]
        while at != NULL:
            if (<Connection>at).deadline > deadline:
                (<Connection>at).deadline = deadline
            at = (<Connection>at).behind

    cdef void limit(self, int wait, int64_t patience) noexcept:
        """Waits of this kind that begin from now on last `patience` nanoseconds at most."""
        self.patience[wait] = min(self.patience[wait], patience)
