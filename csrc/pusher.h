/* pusher.h -- what is ready to be sent, and the thread that sees it off when the worker
 * does not come back in time.
 *
 * A worker collects answers and sends them together when its turn of the event loop ends.
 * A block of a streamed body waits there too while the application makes the next one, so
 * that the last chunk can leave with the data before it.  PEP 3333 allows that only if
 * "a different thread" ensures that the block goes out meanwhile: this one.  It runs outside
 * the interpreter lock, touches no Python object, and sends whatever has waited a tick.
 *
 * One thread at a time owns the list (see crew.pyx); it takes the lock around every change once
 * the pusher runs, and the pusher takes it around every tick.  The same tick looks after a
 * worker of several threads: see watch.h. */
#ifndef FF_PUSHER_H
#define FF_PUSHER_H

#include "watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FF_OUT_MAX 16
#define FF_TICK_NS 1000000    /* how long something may wait, and how often it is looked at */
#define FF_IDLE_TICKS 20      /* with nothing to do: then the pusher sleeps until woken */

/* Bytes [start, end) of the buffer, then `body`, for one descriptor. */
typedef struct {
    int fd;            /* -1: do not send, whoever it was for is gone or blocked */
    int error;         /* errno of the send that failed; EAGAIN too */
    size_t start, end;
    const char *body;  /* or NULL */
    size_t body_size;
    size_t sent;       /* of both together */
} ff_out;

typedef struct {
    ff_out items[FF_OUT_MAX];
    int count;
    char *buffer;
    int64_t first_ns;  /* CLOCK_MONOTONIC, when the oldest item came */
    /* The pusher's own. */
    ff_watch *watch;   /* or NULL: set before the start */
    int running, stopping;
    pid_t pid;         /* whose thread it is: a fork has none */
    _Atomic int asleep;
    int idle_ticks;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t woken;
} ff_outs;

/* Send what is left of an item; sets sent and error.  Never blocks, retries EINTR. */
void ff_out_send(ff_out *item, const char *buffer);

/* Start the thread, with every signal blocked in it.  Returns 0 or an errno. */
int ff_pusher_start(ff_outs *outs);

/* End and join it, if it runs.  In a child that was forked meanwhile there is nothing to end, and
 * the lock may be held for ever. */
void ff_pusher_stop(ff_outs *outs);

/* Something waits: keep ticking.  Call with the lock held. */
void ff_pusher_arm(ff_outs *outs);

/* The same without the lock. */
void ff_pusher_wake(ff_outs *outs);

/* The leader goes into the application.  `since` and `asleep` are each written before the other
 * is read, here and by the pusher, in one order for all (seq_cst): no entry is overslept. */
FF_NAMED
ff_watch_enter(ff_watch *watch, ff_outs *outs, int64_t now)
{
    atomic_store(&watch->since, now);
    if (atomic_load(&outs->asleep))
        ff_pusher_wake(outs);
}

static inline void
ff_outs_lock(ff_outs *outs)
{
    if (outs->running)
        pthread_mutex_lock(&outs->lock);
}

/* 0: the lock is ours.  Never waits, for a process that is about to end in the middle of anything. */
static inline int
ff_outs_trylock(ff_outs *outs)
{
    return outs->running ? pthread_mutex_trylock(&outs->lock) : 0;
}

static inline void
ff_outs_unlock(ff_outs *outs)
{
    if (outs->running)
        pthread_mutex_unlock(&outs->lock);
}

#endif
