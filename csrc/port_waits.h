/* port_waits.h -- the two waits of port.h: a semaphore of this process, and a timer that one thread
 * sleeps on and others set. */
#ifndef FF_PORT_WAITS_H
#define FF_PORT_WAITS_H

#if FF_LINUX

typedef sem_t ff_semaphore; /* sem_overview(7), unnamed: macOS has only named ones */

static inline int
ff_semaphore_open(ff_semaphore *semaphore)
{
    return sem_init(semaphore, 0, 0);
}

static inline void
ff_semaphore_close(ff_semaphore *semaphore)
{
    sem_destroy(semaphore);
}

static inline void
ff_semaphore_post(ff_semaphore *semaphore)
{
    sem_post(semaphore);
}

/* Wait for a post; a signal does not end it. */
static inline void
ff_semaphore_wait(ff_semaphore *semaphore)
{
    while (sem_wait(semaphore) != 0)
        ;
}

typedef struct {
    int fd; /* timerfd_create(2); -1: there is none */
} ff_timer;

static inline int
ff_timer_open(ff_timer *timer)
{
    timer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    return timer->fd < 0 ? errno : 0;
}

static inline int
ff_timer_is_open(const ff_timer *timer)
{
    return timer->fd >= 0;
}

static inline void
ff_timer_close(ff_timer *timer)
{
    if (timer->fd >= 0)
        close(timer->fd);
    timer->fd = -1;
}

/* when: of CLOCK_MONOTONIC, in nanoseconds; 0 = never.  One thread at a time. */
static inline void
ff_timer_set(ff_timer *timer, int64_t when)
{
    const struct itimerspec at = {
        .it_value = {.tv_sec = when / 1000000000, .tv_nsec = when % 1000000000}};

    timerfd_settime(timer->fd, TFD_TIMER_ABSTIME, &at, NULL);
}

/* Sleep until it is time; it is not set any more then.  It may return too early. */
static inline void
ff_timer_wait(ff_timer *timer)
{
    uint64_t count;

    (void)!read(timer->fd, &count, sizeof(count));
}

#else

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int posts; /* that nobody has waited for */
} ff_semaphore;

static inline int
ff_semaphore_open(ff_semaphore *semaphore)
{
    semaphore->posts = 0;
    return pthread_mutex_init(&semaphore->lock, NULL) || pthread_cond_init(&semaphore->changed, NULL);
}

static inline void
ff_semaphore_close(ff_semaphore *semaphore)
{
    pthread_cond_destroy(&semaphore->changed);
    pthread_mutex_destroy(&semaphore->lock);
}

static inline void
ff_semaphore_post(ff_semaphore *semaphore)
{
    pthread_mutex_lock(&semaphore->lock);
    semaphore->posts++;
    pthread_cond_signal(&semaphore->changed);
    pthread_mutex_unlock(&semaphore->lock);
}

static inline void
ff_semaphore_wait(ff_semaphore *semaphore)
{
    pthread_mutex_lock(&semaphore->lock);
    while (semaphore->posts == 0)
        pthread_cond_wait(&semaphore->changed, &semaphore->lock);
    semaphore->posts--;
    pthread_mutex_unlock(&semaphore->lock);
}

/* Who sleeps writes until when, then looks whether `when` is another; who sets it writes `when`, then
 * looks whether it is earlier: in one order (seq_cst), so one of the two sees the other. */
typedef struct {
    int reading, writing;  /* -1: there is none */
    _Atomic int64_t when;  /* it rings; 0: it is not set */
    _Atomic int64_t until; /* the thread sleeps at the latest; 0: it is awake */
} ff_timer;

static inline int
ff_timer_open(ff_timer *timer)
{
    atomic_init(&timer->when, 0);
    atomic_init(&timer->until, 0);
    timer->reading = timer->writing = -1;
    return ff_open_pair(&timer->reading, &timer->writing);
}

static inline int
ff_timer_is_open(const ff_timer *timer)
{
    return timer->reading >= 0;
}

static inline void
ff_timer_close(ff_timer *timer)
{
    ff_close_both(timer->reading, timer->writing);
    timer->reading = timer->writing = -1;
}

static inline void
ff_timer_set(ff_timer *timer, int64_t when)
{
    atomic_store(&timer->when, when);
    if (when != 0 && when < atomic_load(&timer->until))
        (void)!write(timer->writing, "", 1); /* full: it is awake already */
}

static inline void
ff_timer_wait(ff_timer *timer)
{
    enum { NS = 1000000 };
    char bytes[64];

    for (;;) {
        int64_t when = atomic_load(&timer->when), left = when - ff_monotonic_ns();
        struct pollfd end = {timer->reading, POLLIN, 0};

        if (when != 0 && left <= 0) {
            if (atomic_compare_exchange_strong(&timer->when, &when, 0))
                return;
            continue; /* it was set anew */
        }
        atomic_store(&timer->until, when ? when : INT64_MAX);
        if (atomic_load(&timer->when) == when) {
            int ms = when == 0 ? -1 : left / NS >= INT_MAX ? INT_MAX : (int)((left + NS - 1) / NS);

            if (poll(&end, 1, ms) > 0)
                (void)!read(timer->reading, bytes, sizeof(bytes));
        }
        atomic_store(&timer->until, 0);
    }
}

#endif
#endif
