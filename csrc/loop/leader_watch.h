/* leader_watch.h -- the leader of a worker's threads, seen from outside the interpreter lock.
 *
 * The thread that leads runs the event loop and the application.  When it enters the
 * application it writes the time here, one store, and sees that the flusher's timer is set
 * (flusher.h).  When it rings and the leader is still there, it wakes the thread that is next.
 * Whether that one then takes the lead is decided by itself, under the interpreter lock. */
#ifndef FF_WATCH_H
#define FF_WATCH_H

#include <stdatomic.h>
#include <stdint.h>

#define FF_PATIENCE_NS 1000000   /* how long the leader may be in the application */
#define FF_ASK_AGAIN_NS 10000000 /* the thread that was woken may have had other work */

typedef struct {
    _Atomic int64_t since; /* CLOCK_MONOTONIC ns; 0: the leader is not in the application */
    _Atomic int next;      /* eventfd of the thread that is next to lead; -1: there is none */
    _Atomic int64_t asked; /* when it was woken; 0: it has seen to it */
} ff_watch;

/* One look: wake the next thread if the leader has been away for `patience` nanoseconds.
 * Returns when to look again, 0 when the leader is not in the application. */
int64_t ff_watch_look(ff_watch *watch, int64_t now, int64_t patience);

/* What writes is no inline code: without debug information a tool that does not know atomics
 * (helgrind) could not name it. */
#define FF_NAMED static __attribute__((noinline, unused)) void

static inline void
ff_watch_init(ff_watch *watch)
{
    atomic_init(&watch->since, 0);
    atomic_init(&watch->next, -1);
    atomic_init(&watch->asked, 0);
}

FF_NAMED
ff_watch_set_next(ff_watch *watch, int fd)
{
    atomic_store_explicit(&watch->next, fd, memory_order_release);
}

FF_NAMED
ff_watch_seen(ff_watch *watch)
{
    atomic_store_explicit(&watch->asked, 0, memory_order_release);
}

FF_NAMED
ff_watch_leave(ff_watch *watch)
{
    atomic_store_explicit(&watch->since, 0, memory_order_release);
}

#endif
