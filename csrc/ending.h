/* ending.h -- the end of a connection of which other processes may have copies. */
#ifndef FF_ENDING_H
#define FF_ENDING_H

#include "port.h"

#include <sys/socket.h>
#include <unistd.h>

/* Close it.  tell: whoever has a copy, or waits on it in another thread, and the client hear of
 * the end now, not when the last copy is closed. */
static inline void
ff_close(int fd, int tell)
{
    if (tell)
        shutdown(fd, SHUT_RDWR);
    close(fd);
}

/* Have close() send RST, which also gives back what the kernel still holds for the client
 * (socket(7), SO_LINGER).  copied: that would be no reset while there are copies; ff_disconnect()
 * is one. */
static inline void
ff_reset(int fd, int copied)
{
    struct linger at_once = {1, 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    if (copied)
        ff_disconnect(fd);
}

#endif
