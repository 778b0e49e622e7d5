cimport cython
from libc.stdint cimport int64_t, uint32_t

from fastfork._core.conn.batch cimport Batch, ff_watch
from fastfork._core.loop.forks cimport ForkState
from fastfork._core.loop.turnstile cimport CAME_IN, Turnstile, ff_claim, ff_give_up

cdef extern from *:
    """
    #ifndef FASTFORK_DEBUG
    #define FASTFORK_DEBUG 0
    #endif
    """
    const bint FASTFORK_DEBUG


cpdef bint has_taken(dict environ) except -1
cdef str line_of(dict environ)


@cython.final
cdef class Seat:
    cdef int fd                # what it waits on; -1: it never has to
    cdef int waker             # what is written to, to wake it
    cdef char *received        # its receive buffer
    cdef int64_t *place        # its words on the scoreboard
    cdef dict environ          # of the request it is answering, or None
    cdef list inbox            # connections and responders to go on with on this thread
    cdef object worn           # first of the responders that have answered, and hold what the
    cdef int worn_count        # ... application left; each knows the `next` one
    cdef int streams           # responses of its that wait to go on
    cdef bint waits            # in park()
    cdef readonly bint serves  # runs the application; the keeper does not
    cdef readonly unsigned long ident

    cdef void close(self) noexcept


@cython.final
cdef class Crew(Turnstile):
    cdef readonly bint many    # there is more than one thread
    cdef bint aside            # others have the hub while the application works: many, or greenlets
    cdef Seat seat             # whose thread has the hub now
    cdef Seat first
    cdef readonly Seat leader
    cdef readonly Seat keeper
    cdef readonly list seats   # those that serve
    cdef int64_t terms         # changes of the leader
    cdef bint keeping          # the leader is the keeper
    cdef readonly bint stopping
    cdef ff_watch watch
    cdef Batch batch
    cdef const ForkState *forks
    cdef int64_t *slot
    cdef object slot_view      # keeps it
    cdef int calls             # that are in the application now, its close() too
    cdef int busy              # threads that are answering a request
    cdef int places            # threads that can

    cdef void let_go(self) noexcept
    cdef int stay(self) except -1
    cdef Seat own_seat(self)
    cdef int begin(self, dict environ, int64_t now) except -1
    cdef int end(self) except -1
    cdef bint answers(self) noexcept
    cdef void enter(self, Seat seat) noexcept
    cdef void out(self, Seat seat, int64_t now) noexcept
    cdef void back(self, Seat seat) noexcept
    cdef int wake_loop(self, Py_ssize_t known) except -1
    cdef int hand(self, Seat seat, item) except -1
    cdef bint at_work(self) noexcept
    cdef bint displaced(self) noexcept
    cdef bint _take_lead(self, Seat seat) noexcept
    cdef void _lead(self, Seat seat) noexcept
    cdef void _choose(self) noexcept
    cdef void _wake(self, Seat seat) noexcept


# The same as Crew's methods, for where each request comes by: mostly nobody waits to come inside.

cdef inline void go_in(Crew crew, Seat seat) noexcept:
    if crew.seat is not seat or not ff_claim(&crew.owner, seat.ident):
        crew.enter(seat)


cdef inline void go_away(Crew crew) noexcept:
    if ff_give_up(&crew.owner, &crew.waiters) or crew.postponed is not None:
        crew._after_release()


cdef inline void go_out(Crew crew, Seat seat, int64_t now) noexcept:
    if crew.many:
        crew.out(seat, now)
        return
    crew.calls += 1
    go_away(crew)


cdef inline void come_back(Crew crew, Seat seat) noexcept:
    if (crew.many or crew.forks.foreign or crew.seat is not seat
            or not ff_claim(&crew.owner, seat.ident)):
        crew.back(seat)
        return
    crew.calls -= 1


cdef inline void owns(Crew crew) noexcept:
    """Begins whatever only the thread that is inside may do.  In a debug build (FASTFORK_DEBUG=1)
    the process ends there if it is another."""
    if FASTFORK_DEBUG:
        crew.check_owner()
