/* fd_passing.h -- a connection on its way from one worker to another.
 *
 * A worker whose threads are all in the application puts a connection on which a request has
 * arrived into the pool, a pair of Unix sockets that all workers share; the first worker that
 * waits for work takes it out.  So does a worker whose process ends in the middle of a request, with
 * every connection that has nothing under way.  Nothing of the request has been read.  The
 * descriptor travels in an SCM_RIGHTS message (unix(7)), with what is known of the peer beside it. */
#ifndef FF_HANDOVER_H
#define FF_HANDOVER_H

#include <stdint.h>

#define FF_ADDRESS_MAX 48 /* INET6_ADDRSTRLEN and a bit */

typedef struct {
    int64_t ready_ns;             /* CLOCK_MONOTONIC, when its request was seen */
    uint64_t listener;            /* which one it came from; the same number in all workers */
    int32_t port;                 /* of the peer, -1 for Unix sockets */
    char address[FF_ADDRESS_MAX]; /* of the peer, as text, ended by a zero */
} ff_facts;

/* Put `fd` into the pool.  0, or an errno: EAGAIN when the pool is full, and ETOOMANYREFS when
 * too many descriptors are on their way.  The caller still owns its copy.  Never waits. */
int ff_handover_put(int pool, int fd, const ff_facts *facts);

/* Take a connection out of the pool: its descriptor, close-on-exec and as non-blocking as it was,
 * or -1 when there is none.  Never waits. */
int ff_handover_take(int pool, ff_facts *facts);

#endif
