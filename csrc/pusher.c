/* pusher.c -- see pusher.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* pthread_setname_np */
#endif
#include "pusher.h"
#include "interrupted.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define STACK_BYTES (64 << 10)

static int64_t
now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

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
                     MSG_NOSIGNAL | MSG_DONTWAIT);
        } else {
            size_t skip = item->sent < head ? item->sent : head;
            vectors[0].iov_base = (char *)buffer + item->start + skip;
            vectors[0].iov_len = head - skip;
            vectors[1].iov_base = (char *)item->body + (item->sent - skip);
            vectors[1].iov_len = item->body_size - (item->sent - skip);
            message.msg_iov = vectors;
            message.msg_iovlen = 2;
            n = sendmsg(item->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        }
    } while (n < 0 && ff_interrupted(errno));
    if (n < 0)
        item->error = errno;
    else
        item->sent += (size_t)n;
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

/* One tick, with the lock held. */
static void
push(ff_outs *outs)
{
    int64_t now = now_ns();

    if (outs->watch != NULL && ff_watch_look(outs->watch, now, FF_TICK_NS))
        outs->idle_ticks = -1;
    outs->idle_ticks++;
    if (outs->count == 0 || now - outs->first_ns < FF_TICK_NS)
        return;
    outs->idle_ticks = 0;
    for (int i = 0; i < outs->count; i++)
        if (!must_wait(outs, i))
            ff_out_send(&outs->items[i], outs->buffer);
}

static void *
run(void *argument)
{
    const struct timespec tick = {0, FF_TICK_NS};
    ff_outs *outs = argument;

    pthread_mutex_lock(&outs->lock);
    while (!outs->stopping) {
        if (outs->idle_ticks > FF_IDLE_TICKS) {
            atomic_store(&outs->asleep, 1);
            if (outs->watch == NULL || atomic_load(&outs->watch->since) == 0)
                pthread_cond_wait(&outs->woken, &outs->lock);
            atomic_store(&outs->asleep, 0);
            outs->idle_ticks = 0;
            continue;
        }
        pthread_mutex_unlock(&outs->lock);
        nanosleep(&tick, NULL);
        pthread_mutex_lock(&outs->lock);
        push(outs);
    }
    pthread_mutex_unlock(&outs->lock);
    return NULL;
}

int
ff_pusher_start(ff_outs *outs)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int rc;

    if (outs->running)
        return 0;
    outs->stopping = outs->idle_ticks = 0;
    atomic_store(&outs->asleep, 0);
    pthread_mutex_init(&outs->lock, NULL);
    pthread_cond_init(&outs->woken, NULL);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    /* A signal that this thread took would not interrupt the application. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&outs->thread, &attributes, run, outs);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (rc == 0) {
        pthread_setname_np(outs->thread, "ff-pusher");
        outs->running = 1;
        outs->pid = getpid();
    }
    return rc;
}

void
ff_pusher_arm(ff_outs *outs)
{
    outs->idle_ticks = 0;
    if (atomic_load(&outs->asleep))
        pthread_cond_signal(&outs->woken);
}

void
ff_pusher_wake(ff_outs *outs)
{
    pthread_mutex_lock(&outs->lock);
    ff_pusher_arm(outs);
    pthread_mutex_unlock(&outs->lock);
}

void
ff_pusher_stop(ff_outs *outs)
{
    if (!outs->running)
        return;
    if (outs->pid != getpid()) {
        outs->running = 0;
        return;
    }
    pthread_mutex_lock(&outs->lock);
    outs->stopping = 1;
    pthread_cond_signal(&outs->woken);
    pthread_mutex_unlock(&outs->lock);
    pthread_join(outs->thread, NULL);
    outs->running = 0;
    pthread_cond_destroy(&outs->woken);
    pthread_mutex_destroy(&outs->lock);
}
