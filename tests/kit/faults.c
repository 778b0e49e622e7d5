/* faults.c -- a library to be preloaded: accept4(2) fails as often as it is told.
 *
 * FASTFORK_FAULTS holds "ERRNO:TIMES,..."; the first calls that would accept a connection fail
 * like this, in order.  A call that finds nobody waiting is not counted.  A connection
 * whose call failed stays in the queue, as with the shortages that this stands for.
 *
 * Runs in: worker
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* The errno of the next call, 0 for none: numbers are read anew from where the last one ended. */
static int
next_fault(void)
{
    static const char *at;
    static long left;
    static int fault;
    char *end;

    if (at == NULL) {
        at = getenv("FASTFORK_FAULTS");
        if (at == NULL)
            at = "";
    }
    while (left == 0 && *at != '\0') {
        fault = (int)strtol(at, &end, 10);
        left = strtol(end + 1, &end, 10);
        at = *end == ',' ? end + 1 : end;
    }
    if (left == 0)
        return 0;
    left--;
    return fault;
}

int
accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    static int (*real)(int, struct sockaddr *, socklen_t *, int);
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    int fault;

    if (real == NULL)
        real = (int (*)(int, struct sockaddr *, socklen_t *, int))dlsym(RTLD_NEXT, "accept4");
    if (poll(&waiting, 1, 0) == 1) {
        fault = next_fault();
        if (fault != 0) {
            errno = fault;
            return -1;
        }
    }
    return real(fd, address, size, flags);
}
