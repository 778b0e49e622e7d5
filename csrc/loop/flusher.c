/* flusher.c -- see flusher.h. */
#include "loop/flusher.h"
#include "interrupted.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define STACK_BYTES (64 << 10)

static int
is_whole(const ff_out *item)
{
    return item->sent == item->end - item->start + item->body_size;
}

void
ff_out_send(ff_out *item, const char *buffer)
{
    size_t head = item->end - item->start;
    struct iovec vectors[2];
    struct msghdr message = {0};
    ssize_t n;

    if (item->fd < 0 || item->error || is_whole(item))
        return;
    do {
        if (item->body == NULL) {
            n = send(item->fd, buffer + item->start + item->sent, head - item->sent,
                     FF_MSG_NOSIGNAL | MSG_DONTWAIT);
        } else {
            size_t skip = item->sent < head ? item->sent : head;
            vectors[0].iov_base = (char *)buffer + item->start + skip;
            vectors[0].iov_len = head - skip;
            vectors[1].iov_base = (char *)item->body + (item->sent - skip);
            vectors[1].iov_len = item->body_size - (item->sent - skip);
            message.msg_iov = vectors;
            message.msg_iovlen = 2;
            n = sendmsg(item->fd, &message, FF_MSG_NOSIGNAL | MSG_DONTWAIT);
        }
    } while (n < 0 && ff_interrupted(errno));
    if (n < 0)
        item->error = errno;
    else
        item->sent += (size_t)n;
}

/* As much of it as the socket takes: nobody comes back to what was sent in part. */
static void
send_all(ff_out *item, const char *buffer)
{
    size_t before;

    do {
        before = item->sent;
        ff_out_send(item, buffer);
    } while (item->sent != before && !is_whole(item));
}

/* Does an earlier item for the same descriptor still have to go? */
static int
must_wait(const ff_outs *outs, int i)
{
    for (int j = 0; j < i; j++)
        if (outs->items[j].fd == outs->items[i].fd && !is_whole(&outs->items[j]))
            return 1;
    return 0;
}

/* One look, with the lock held.  Returns when the next one is due, 0 = when somebody asks for it. */
static int64_t
look(ff_outs *outs)
{
    int64_t now = ff_monotonic_ns(), due = 0, next;

    if (outs->watch != NULL)
        due = ff_watch_look(outs->watch, now, FF_PATIENCE_NS);
    if (outs->count == 0)
        return due;
    next = outs->first_ns + FF_PUSH_NS;
    if (now < next)
        return due == 0 || next < due ? next : due;
    for (int i = 0; i < outs->count; i++)
        if (!must_wait(outs, i))
            send_all(&outs->items[i], outs->buffer);
    return due; /* what is left over is the worker's to deal with */
}

/* A function of its own: see FF_NAMED. */
FF_NAMED
ff_flusher_note(ff_outs *outs, int64_t when)
{
    atomic_store(&outs->rings, when);
}

/* With the lock held.  when: 0 = never. */
static void
set(ff_outs *outs, int64_t when)
{
    ff_flusher_note(outs, when);
    ff_timer_set(&outs->timer, when);
}

static void *
run(void *argument)
{
    ff_outs *outs = argument;
    int64_t due;

    ff_name_thread("ff-flusher");
    for (;;) {
        ff_timer_wait(&outs->timer);
        pthread_mutex_lock(&outs->lock);
        if (outs->stopping)
            break;
        ff_flusher_note(outs, 0);
        atomic_fetch_add_explicit(&outs->looks, 1, memory_order_relaxed);
        due = look(outs);
        if (due)
            set(outs, due);
        pthread_mutex_unlock(&outs->lock);
    }
    pthread_mutex_unlock(&outs->lock);
    return NULL;
}

static int
start_thread(ff_outs *outs)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int rc;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    /* A signal that this thread took would not interrupt the application. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&outs->thread, &attributes, run, outs);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return rc;
}

int
ff_flusher_start(ff_outs *outs)
{
    int rc;

    if (outs->running)
        return 0;
    if (!ff_timer_is_open(&outs->timer))
        return EBADF;
    outs->stopping = 0;
    set(outs, 0);
    rc = start_thread(outs);
    if (rc == 0) {
        outs->running = 1;
        outs->pid = getpid();
    }
    return rc;
}

void
ff_flusher_ring(ff_outs *outs, int64_t when)
{
    int64_t rings;

    pthread_mutex_lock(&outs->lock);
    rings = atomic_load(&outs->rings);
    if (rings == 0 || rings > when)
        set(outs, when);
    pthread_mutex_unlock(&outs->lock);
}

int
ff_flusher_is_set(ff_outs *outs)
{
    return atomic_load_explicit(&outs->rings, memory_order_relaxed) != 0;
}

void
ff_flusher_rest(ff_outs *outs)
{
    pthread_mutex_lock(&outs->lock);
    set(outs, 0);
    pthread_mutex_unlock(&outs->lock);
}

void
ff_flusher_stop(ff_outs *outs)
{
    if (!outs->running)
        return;
    outs->running = 0;
    if (outs->pid != getpid())
        return;
    pthread_mutex_lock(&outs->lock);
    outs->stopping = 1;
    set(outs, 1); /* long ago */
    pthread_mutex_unlock(&outs->lock);
    pthread_join(outs->thread, NULL);
}

int
ff_outs_open(ff_outs *outs)
{
    int rc;

    outs->count = outs->running = 0;
    outs->pid = getpid();
    outs->watch = NULL;
    if ((rc = ff_timer_open(&outs->timer)) != 0)
        return rc;
    atomic_init(&outs->rings, 0);
    atomic_init(&outs->looks, 0);
    return pthread_mutex_init(&outs->lock, NULL);
}

void
ff_outs_forget(ff_outs *outs)
{
    ff_timer_close(&outs->timer);
    outs->running = 0;
}

void
ff_outs_close(ff_outs *outs)
{
    ff_flusher_stop(outs);
    ff_outs_forget(outs);
}
