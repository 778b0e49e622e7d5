/* test_watch.c -- who is woken when the leader stays away (leader_watch.h), and connections on their way
 * from one worker to another (fd_passing.h). */
#ifndef _GNU_SOURCE
#include "port.h"

#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/fd_passing.h"
#include "harness.h"
#include "world.h"

#define MS 1000000
#define LONG_MS 5000 /* far above what a loaded machine needs */
#define POOL_MOST 4096

static int
is_woken(int fd)
{
    uint64_t count = 0;

    return read(fd, &count, sizeof(count)) == sizeof(count);
}

static void
test_look(void)
{
    GROUP("watch: look");
    const int64_t now = 100 * (int64_t)MS;
    ff_watch watch;
    int fd, waker;

    check(ff_open_wakeup(&fd, &waker) == 0, GROUP, "open", "is refused");
    ff_watch_init(&watch);
    ff_watch_set_next(&watch, waker);
    check(ff_watch_look(&watch, now, MS) == 0 && !is_woken(fd), GROUP, "outside", "woke somebody");
    atomic_store(&watch.since, now);
    check(ff_watch_look(&watch, now + MS - 1, MS) == now + MS && !is_woken(fd), GROUP, "early",
          "woke somebody");
    check(ff_watch_look(&watch, now + MS, MS) == now + MS + FF_ASK_AGAIN_NS && is_woken(fd), GROUP,
          "in time", "woke nobody");
    check(ff_watch_look(&watch, now + 2 * MS, MS) == now + MS + FF_ASK_AGAIN_NS && !is_woken(fd),
          GROUP, "asked", "woke it twice");
    check(ff_watch_look(&watch, now + MS + FF_ASK_AGAIN_NS, MS) && is_woken(fd), GROUP, "again",
          "forgot it");
    ff_watch_seen(&watch);
    check(ff_watch_look(&watch, now + 2 * MS + FF_ASK_AGAIN_NS, MS) && is_woken(fd), GROUP, "seen",
          "thinks that it is asked");
    ff_watch_seen(&watch);
    ff_watch_set_next(&watch, -1);
    check(ff_watch_look(&watch, now + 3 * MS, MS) == now + 4 * MS && !is_woken(fd), GROUP, "nobody",
          "woke somebody, or looks no more");
    ff_watch_leave(&watch);
    check(ff_watch_look(&watch, now + 4 * MS, MS) == 0, GROUP, "left", "is still there");
    ff_close_both(fd, waker);
}

/* The leader enters again and again, while the timer rings or is at rest: it is never
 * overslept. */
static void
test_never_overslept(void)
{
    GROUP("watch: never overslept");
    ff_watch watch;
    world w;
    struct pollfd waited = {.events = POLLIN};
    int waker;

    open_world(&w, "head");
    check(ff_open_wakeup(&waited.fd, &waker) == 0, GROUP, "open", "is refused");
    ff_watch_init(&watch);
    ff_watch_set_next(&watch, waker);
    w.outs.watch = &watch;
    check(ff_flusher_start(&w.outs) == 0, GROUP, "start", "is refused");
    for (int round = 0; round < 400; round++) {
        if (round % 4 == 1)
            ff_flusher_rest(&w.outs);
        else if (round % 4 == 2)
            ff_flusher_ring(&w.outs, now_ns()); /* it looks while the leader enters */
        ff_watch_enter(&watch, &w.outs, round % 4 == 3 ? now_ns() : 1);
        check(poll(&waited, 1, LONG_MS) == 1 && is_woken(waited.fd), GROUP, "entered",
              "nobody was woken");
        ff_watch_leave(&watch);
        ff_watch_seen(&watch);
    }
    ff_flusher_stop(&w.outs);
    while (is_woken(waited.fd))
        ; /* a last look may have come between `leave` and `seen` */
    ff_close_both(waited.fd, waker);
    close_world(&w);
}

static void
test_handover(void)
{
    GROUP("handover");
    ff_facts facts = {.ready_ns = 7, .listener = UINT64_MAX, .port = -1, .address = "2001:db8::1"};
    ff_facts found;
    int pool[2], pair[2], fd, sent = 0, taken = 0, error = 0;
    char byte = 'x';

    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pool);
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
    check(ff_handover_take(pool[1], &found) == -1, GROUP, "empty", "gave something");
    check(ff_handover_put(pool[0], pair[0], &facts) == 0, GROUP, "put", "failed");
    close(pair[0]); /* it lives on in the pool */
    fd = ff_handover_take(pool[1], &found);
    check(fd >= 0 && memcmp(&found, &facts, sizeof(facts)) == 0, GROUP, "take", "other facts");
    check(fcntl(fd, F_GETFD) & FD_CLOEXEC, GROUP, "take", "programs that are started inherit it");
    check(fcntl(fd, F_GETFL) & O_NONBLOCK, GROUP, "take", "it blocks");
    check(write(fd, &byte, 1) == 1 && read(pair[1], &byte, 1) == 1, GROUP, "take", "another socket");

    check(send(pool[0], "stray", 5, 0) == 5, GROUP, "stray", "cannot be sent");
    check(ff_handover_put(pool[0], fd, &facts) == 0, GROUP, "put", "failed");
    close(fd);
    memset(&facts.address, 'a', sizeof(facts.address));
    fd = ff_handover_take(pool[1], &found);
    check(fd >= 0, GROUP, "stray", "was not skipped");
    check(ff_handover_put(pool[0], fd, &facts) == 0, GROUP, "put", "failed");
    close(fd);
    fd = ff_handover_take(pool[1], &found);
    check(fd >= 0 && strlen(found.address) == sizeof(found.address) - 1, GROUP, "address",
          "has no end");
    while (sent < POOL_MOST && (error = ff_handover_put(pool[0], fd, &facts)) == 0)
        sent++;
    check(sent > 16 && sent < POOL_MOST && (error == EAGAIN || error == ETOOMANYREFS), GROUP, "full",
          "has no limit, or waits");
    close(fd);
    while ((fd = ff_handover_take(pool[1], &found)) >= 0) {
        close(fd);
        taken++;
    }
    check(taken == sent, GROUP, "full", "lost some");
    close(pool[0]);
    check(ff_handover_take(pool[1], &found) == -1, GROUP, "closed", "gave something");
    close(pool[1]);
    close(pair[1]);
}

void
test_watch(void)
{
    test_look();
    test_never_overslept();
    test_handover();
}
