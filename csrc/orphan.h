/* orphan.h -- a worker whose parent has died ends in time, whatever it is doing.
 *
 * The kernel sends a signal when the parent dies (prctl(2), PR_SET_PDEATHSIG).  Its handler runs
 * where no handler of Python's can: while the application is in C and stays there.  It sets two
 * timers, which need nobody: the first has the stacks written to the log, the second ends the
 * process.  It does not let system calls go on (SA_RESTART), so an application that waits in one
 * comes back to the interpreter, which then is told too. */
#ifndef FF_ORPHAN_H
#define FF_ORPHAN_H

#include <stdint.h>
#include <sys/types.h>

typedef struct {
    int death;            /* sent by the kernel when the parent has died */
    int dump;             /* writes the stacks */
    pid_t parent;         /* while it lives, the signal means nothing */
    int64_t dump_ns;      /* after the death */
    int64_t kill_ns;      /* the same */
    void (*tell)(int);    /* the interpreter; async-signal-safe */
    int told;             /* ... with this signal */
} ff_orphan;

/* Take the signal.  0, or an errno: this system cannot. */
int ff_orphan_watch(const ff_orphan *orphan);

/* End this process by SIGKILL after so many nanoseconds, if it is still there.  Needs
 * ff_orphan_watch(); the earliest counts. */
void ff_orphan_end_in(int64_t ns);

#endif
