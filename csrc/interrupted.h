/* interrupted.h -- did a signal end a system call, so that it is to be made again?
 *
 * 512 to 516 are ERESTARTSYS and its kin (include/linux/errno.h of the kernel): how the kernel
 * notes that a call is to be restarted.  A debugger that calls a function in a process which waits
 * takes that note away, and the process sees the number itself. */
#ifndef FF_INTERRUPTED_H
#define FF_INTERRUPTED_H

#include <errno.h>

enum { FF_ERESTART_FIRST = 512, FF_ERESTART_LAST = 516 };

static inline int
ff_interrupted(int error)
{
    return error == EINTR || (error >= FF_ERESTART_FIRST && error <= FF_ERESTART_LAST);
}

#endif
