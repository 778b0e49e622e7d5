/* refuser.c -- a library to be preloaded: the call that REFUSED names fails with EPERM, always.
 *
 * As under a filter of seccomp(2) in a container.  Runs in: both
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
is_refused(const char *name)
{
    const char *said = getenv("REFUSED");

    if (said == NULL || strcmp(said, name) != 0)
        return 0;
    errno = EPERM;
    return 1;
}

#define NEXT(call, ...) ((__typeof__(&call))dlsym(RTLD_NEXT, #call))(__VA_ARGS__)

int
accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    return is_refused("accept4") ? -1 : NEXT(accept4, fd, address, size, flags);
}

int
epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
    return is_refused("epoll_ctl") ? -1 : NEXT(epoll_ctl, epoll, what, fd, event);
}

int
epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
    return is_refused("epoll_wait") ? -1 : NEXT(epoll_wait, epoll, events, most, timeout);
}

int
eventfd(unsigned int count, int flags)
{
    return is_refused("eventfd") ? -1 : NEXT(eventfd, count, flags);
}

int
getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
    return is_refused("getsockopt") ? -1 : NEXT(getsockopt, fd, level, name, value, size);
}

int
pipe2(int fds[2], int flags)
{
    return is_refused("pipe2") ? -1 : NEXT(pipe2, fds, flags);
}

/* openat2(2), which has no function of its own in the C library. */
long
syscall(long number, ...)
{
    long words[6];
    va_list given;

    va_start(given, number);
    for (int i = 0; i < 6; i++)
        words[i] = va_arg(given, long);
    va_end(given);
    if (number == SYS_openat2 && is_refused("openat2"))
        return -1;
    return NEXT(syscall, number, words[0], words[1], words[2], words[3], words[4], words[5]);
}
