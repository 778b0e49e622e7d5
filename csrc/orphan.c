/* orphan.c -- see orphan.h. */
#include "port.h"

#include "orphan.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if FF_LINUX

static ff_orphan watched;
static timer_t dump_timer, kill_timer; /* a fork does not inherit them */
static pid_t owner;

/* Both are async-signal-safe: timer_settime(2) and timer_gettime(2), see signal-safety(7). */
static void
end_in(timer_t timer, int64_t ns)
{
    struct itimerspec before, spec = {0};

    spec.it_value.tv_sec = ns / 1000000000;
    spec.it_value.tv_nsec = ns % 1000000000;
    if (timer_gettime(timer, &before) == 0
        && (before.it_value.tv_sec || before.it_value.tv_nsec)
        && (int64_t)before.it_value.tv_sec * 1000000000 + before.it_value.tv_nsec < ns)
        return;
    timer_settime(timer, 0, &spec, NULL);
}

static void
parent_died(int signum)
{
    int saved = errno;

    (void)signum;
    if (owner == getpid() && getppid() != watched.parent) {
        end_in(dump_timer, watched.dump_ns);
        end_in(kill_timer, watched.kill_ns);
        watched.tell(watched.told);
    }
    errno = saved;
}

static int
make_timer(timer_t *timer, int signum)
{
    struct sigevent event;

    memset(&event, 0, sizeof(event));
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = signum;
    return timer_create(CLOCK_MONOTONIC, &event, timer) == 0 ? 0 : errno;
}

int
ff_orphan_watch(const ff_orphan *orphan)
{
    struct sigaction action;
    int rc;

    watched = *orphan;
    if (owner != getpid()) {
        if ((rc = make_timer(&dump_timer, orphan->dump)) != 0)
            return rc;
        if ((rc = make_timer(&kill_timer, SIGKILL)) != 0)
            return rc;
        owner = getpid();
    }
    memset(&action, 0, sizeof(action));
    action.sa_handler = parent_died;
    action.sa_flags = SA_ONSTACK; /* as Python's own handlers; and no SA_RESTART */
    sigemptyset(&action.sa_mask);
    return sigaction(orphan->death, &action, NULL) == 0 ? 0 : errno;
}

void
ff_orphan_end_in(int64_t ns)
{
    if (owner == getpid())
        end_in(kill_timer, ns);
}

#else

int
ff_orphan_watch(const ff_orphan *orphan)
{
    (void)orphan;
    return ENOSYS;
}

void
ff_orphan_end_in(int64_t ns)
{
    (void)ns;
}

#endif
