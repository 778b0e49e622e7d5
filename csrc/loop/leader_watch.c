/* leader_watch.c -- see leader_watch.h. */
#include "loop/leader_watch.h"
#include "interrupted.h"

#include <errno.h>
#include <unistd.h>

int64_t
ff_watch_look(ff_watch *watch, int64_t now, int64_t patience)
{
    int64_t since = atomic_load(&watch->since);
    int64_t asked = atomic_load_explicit(&watch->asked, memory_order_acquire);
    int next = atomic_load_explicit(&watch->next, memory_order_acquire);
    const uint64_t one = 1;
    ssize_t written;

    if (since == 0)
        return 0;
    if (now - since < patience)
        return since + patience;
    if (next < 0)
        return now + patience;
    if (asked && now - asked < FF_ASK_AGAIN_NS)
        return asked + FF_ASK_AGAIN_NS;
    atomic_store_explicit(&watch->asked, now, memory_order_release);
    do {
        written = write(next, &one, sizeof(one));
    } while (written < 0 && ff_interrupted(errno));
    return now + FF_ASK_AGAIN_NS;
}
