/* flusher.h -- what is ready to be sent, and the thread that sees it off when the worker
 * does not come back in time.
 *
 * A worker collects answers and sends them together when its turn of the event loop ends.
 * A block of a streamed body waits there too while the application makes the next one, so
 * that the last chunk can leave with the data before it.  PEP 3333 allows that only if
 * "a different thread" ensures that the block goes out meanwhile: this one.  It runs outside
 * the interpreter lock, touches no Python object, and sends whatever has waited for too long.
 *
 * The thread sleeps on a timer of the kernel's.  Nothing is woken to set it, so it costs a
 * system call when application code follows while something waits, and nothing while it is set
 * already.  When it rings, the thread looks, and sets it for as long as something is at stake.
 * So it never ticks for nothing; and who expects to sleep for long may put it off
 * (ff_flusher_rest).
 *
 * One thread at a time owns the list (see crew.pyx); it takes the lock around every change once
 * the flusher runs, and the flusher takes it around every look.  The same timer looks after a
 * worker of several threads: see leader_watch.h. */
#ifndef FF_FLUSHER_H
#define FF_FLUSHER_H

#include "port.h"
#include "loop/leader_watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FF_OUT_MAX 16
/* How long something may wait before the flusher sends it: longer than a worker lets it wait by
 * itself (BATCH_NS in batch.pxd), so that the two seldom meet. */
#define FF_PUSH_NS 1500000

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
    /* The flusher's own. */
    ff_watch *watch;   /* or NULL: set before the start */
    int running, stopping;
    pid_t pid;         /* whose thread it is: a fork has none */
    ff_timer timer;    /* what the thread waits for */
    _Atomic int64_t rings; /* when that is, at the latest; 0: it is not set.  Changed with the lock */
    _Atomic int64_t looks; /* how often it has rung */
    pthread_t thread;
    pthread_mutex_t lock;
} ff_outs;

/* Send what is left of an item; sets sent and error.  Never blocks, retries EINTR. */
void ff_out_send(ff_out *item, const char *buffer);

/* Begin with an empty list, whose buffer is the caller's.  Returns 0 or an errno. */
int ff_outs_open(ff_outs *outs);

/* End the thread and give back the timer.  The list may still be used: nobody waits for it then. */
void ff_outs_close(ff_outs *outs);

/* Start the thread, with every signal blocked in it.  Returns 0 or an errno. */
int ff_flusher_start(ff_outs *outs);

/* End and join it, if it runs.  In a child that was forked meanwhile there is nothing to end, and
 * the lock may be held for ever. */
void ff_flusher_stop(ff_outs *outs);

/* In a child that another thread than the worker's may have forked: there is no thread, and the
 * timer is the parent's. */
void ff_outs_forget(ff_outs *outs);

/* Have the thread look at `when` (CLOCK_MONOTONIC) at the latest.  Without the lock. */
void ff_flusher_ring(ff_outs *outs, int64_t when);

/* Nothing waits, and the leader is not in the application: there is nothing to look at.  Saves
 * the thread a look; what comes next sets the timer again.  Without the lock. */
void ff_flusher_rest(ff_outs *outs);

/* The same as ff_flusher_ring(), for where it mostly is set already.
 *
 * What is to be looked at is written before `rings` is read here; the flusher writes `rings` before
 * it looks.  All in one order (seq_cst, or under the lock), so nothing is overslept. */
FF_NAMED
ff_flusher_by(ff_outs *outs, int64_t when)
{
    int64_t rings = atomic_load(&outs->rings);

    if (rings == 0 || rings > when)
        ff_flusher_ring(outs, when);
}

/* What is in the list waits for application code. */
static inline void
ff_flusher_guard(ff_outs *outs)
{
    ff_flusher_by(outs, outs->first_ns + FF_PUSH_NS);
}

/* The leader goes into the application. */
FF_NAMED
ff_watch_enter(ff_watch *watch, ff_outs *outs, int64_t now)
{
    atomic_store(&watch->since, now);
    ff_flusher_by(outs, now + FF_PATIENCE_NS);
}

/* Is the timer set? */
int ff_flusher_is_set(ff_outs *outs);

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
