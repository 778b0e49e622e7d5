/* test_flusher.c -- the thread that sends what has waited (flusher.h).
 *
 * The tests play the worker: they change the list with the lock held, as it does.  What must not
 * happen is given several looks of the thread to happen in. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sigtimedwait */
#endif
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "world.h"

#define LOOKS  3   /* that something which must not happen gets */
#define ROUNDS 400 /* of the worker and the flusher at the same list */

static int64_t looked;

static int
has_looked(const ff_outs *outs)
{
    return outs->looks > looked;
}

static int
is_at_rest(const ff_outs *outs)
{
    return outs->rings == 0;
}

/* The thread looks now, so many times. */
static int
look(world *w, int times)
{
    int ok = 1;

    while (ok && times-- > 0) {
        looked = atomic_load(&w->outs.looks);
        ff_flusher_ring(&w->outs, 1);
        ok = becomes(&w->outs, has_looked);
    }
    return ok;
}

/* What is in the list has come so long ago. */
static void
age(world *w, int64_t ns)
{
    ff_outs_lock(&w->outs);
    w->outs.first_ns = now_ns() - ns;
    ff_outs_unlock(&w->outs);
}

static int
has_error(const ff_outs *outs)
{
    return outs->items[0].error != 0;
}

static int
third_is_sent(const ff_outs *outs)
{
    return outs->items[2].sent == 3;
}

static void
test_sent_after_a_while(void)
{
    GROUP("flusher: after a while");
    world w;
    int ok;

    open_world(&w, "onetwothree");
    check(ff_flusher_start(&w.outs) == 0 && w.outs.running, GROUP, "start", "is not running");
    check(ff_flusher_start(&w.outs) == 0, GROUP, "start again", "is refused");

    ff_outs_lock(&w.outs);
    put(&w, w.ours[0], 0, 3, NULL, 0);
    put(&w, -1, 0, 3, NULL, 0);
    put(&w, w.ours[0], 3, 6, "!", 1);
    put(&w, w.ours[1], 6, 11, NULL, 0);
    ff_outs_unlock(&w.outs);
    age(&w, -HOUR_NS); /* as young as can be */
    ok = look(&w, LOOKS);
    check(ok && is_silent(&w, 0) && is_silent(&w, 1), GROUP, "too young", "was sent");
    check(w.outs.rings == w.outs.first_ns + FF_PUSH_NS, GROUP, "too young", "is not due later");

    age(&w, 0);
    ff_flusher_guard(&w.outs);
    ok = read_until(&w, 0, 7) && memcmp(w.got, "onetwo!", 7) == 0;
    check(ok, GROUP, "one connection, in order", "got %.*s", (int)w.size, w.got);
    check(now_ns() - w.outs.first_ns >= FF_PUSH_NS, GROUP, "when it is due", "was sent before");
    w.size = 0;
    ok = read_until(&w, 1, 5) && memcmp(w.got, "three", 5) == 0;
    check(ok, GROUP, "the other connection", "got %.*s", (int)w.size, w.got);

    /* What is whole is not sent twice. */
    ff_outs_lock(&w.outs);
    check(w.outs.items[1].sent == 0 && w.outs.items[1].error == 0, GROUP, "fd -1", "was tried");
    w.outs.items[3].sent -= 1; /* a sign that there was another look */
    ff_outs_unlock(&w.outs);
    age(&w, HOUR_NS);
    w.size = 0;
    ok = look(&w, 1) && read_until(&w, 1, 1) && w.got[0] == 'e' && is_silent(&w, 0);
    check(ok, GROUP, "once only", "was sent again");
    close_world(&w);
}

static void
test_second_waits_for_first(void)
{
    GROUP("flusher: the second waits for the first");
    world w;
    char *body = calloc(1, LARGE);
    int ok;

    or_die(body != NULL, "calloc");
    open_world(&w, "behindother");
    check(ff_flusher_start(&w.outs) == 0, GROUP, "start", "is refused");
    ff_outs_lock(&w.outs);
    put(&w, w.ours[0], 0, 0, body, LARGE);
    put(&w, w.ours[0], 0, 6, NULL, 0);
    put(&w, w.ours[1], 6, 9, NULL, 0);
    ff_outs_unlock(&w.outs);
    ff_flusher_guard(&w.outs);
    ok = becomes(&w.outs, third_is_sent) && becomes(&w.outs, has_error);
    ff_outs_lock(&w.outs);
    check(ok && w.outs.items[0].error == EAGAIN && w.outs.items[0].sent < LARGE, GROUP,
          "the first is stuck", "sent %zu, error %d", w.outs.items[0].sent, w.outs.items[0].error);
    check(w.outs.items[1].sent == 0 && w.outs.items[1].error == 0, GROUP, "the second waits",
          "sent %zu, error %d", w.outs.items[1].sent, w.outs.items[1].error);
    ff_outs_unlock(&w.outs);
    while (ok && w.size < LARGE + 6) {
        ff_outs_lock(&w.outs);
        w.outs.items[0].error = w.outs.items[1].error = 0;
        ff_outs_unlock(&w.outs);
        ff_flusher_ring(&w.outs, 1);
        ok = read_until(&w, 0, w.size + 1);
    }
    ok = ok && memcmp(w.got, body, LARGE) == 0 && memcmp(w.got + LARGE, "behind", 6) == 0;
    check(ok, GROUP, "in order in the end", "the peer read %zu bytes", w.size);
    close_world(&w);
    free(body);
}

static void
test_peer_is_gone(void)
{
    GROUP("flusher: the peer is gone");
    world w;
    int ok;

    open_world(&w, "head");
    close_peer(&w, 0);
    check(ff_flusher_start(&w.outs) == 0, GROUP, "start", "is refused");
    ff_outs_lock(&w.outs);
    put(&w, w.ours[0], 0, 4, NULL, 0);
    put(&w, w.ours[1], 0, 4, NULL, 0);
    ff_outs_unlock(&w.outs);
    ff_flusher_guard(&w.outs);
    ok = becomes(&w.outs, has_error); /* and no SIGPIPE */
    ff_outs_lock(&w.outs);
    check(ok && w.outs.items[0].error == EPIPE, GROUP, "noted", "error %d", w.outs.items[0].error);
    ff_outs_unlock(&w.outs);
    check(read_until(&w, 1, 4), GROUP, "the others go on", "nothing came");
    close_world(&w);
}

/* It looks when it was asked to, and not again for nothing. */
static void
test_rest_and_ring(void)
{
    GROUP("flusher: rest and ring");
    world w;

    open_world(&w, "head");
    check(ff_flusher_start(&w.outs) == 0, GROUP, "start", "is refused");
    check(!ff_flusher_is_set(&w.outs), GROUP, "at first", "it will look for nothing");
    check(look(&w, 1) && becomes(&w.outs, is_at_rest), GROUP, "nothing is here", "looks again");
    for (int round = 0; round < 3; round++) {
        ff_outs_lock(&w.outs);
        w.outs.count = 0;
        put(&w, w.ours[0], 0, 4, NULL, 0);
        ff_outs_unlock(&w.outs);
        ff_flusher_guard(&w.outs);
        check(ff_flusher_is_set(&w.outs) || w.outs.items[0].sent, GROUP, "guarded", "is at rest");
        w.size = 0;
        check(read_until(&w, 0, 4), GROUP, "guarded", "nothing came");
        check(becomes(&w.outs, is_at_rest), GROUP, "all is sent", "looks again");
    }
    looked = atomic_load(&w.outs.looks);
    ff_outs_lock(&w.outs);
    w.outs.count = 0;
    put(&w, w.ours[0], 0, 4, NULL, 0);
    ff_outs_unlock(&w.outs);
    age(&w, -HOUR_NS / 2);
    ff_flusher_guard(&w.outs);
    check(w.outs.rings == w.outs.first_ns + FF_PUSH_NS, GROUP, "in a while", "at another time");
    ff_flusher_by(&w.outs, w.outs.first_ns + HOUR_NS);
    check(w.outs.rings == w.outs.first_ns + FF_PUSH_NS, GROUP, "later", "the sooner is forgotten");
    ff_flusher_by(&w.outs, w.outs.first_ns - 1);
    check(w.outs.rings == w.outs.first_ns - 1, GROUP, "sooner", "is not set");
    ff_flusher_rest(&w.outs);
    check(!ff_flusher_is_set(&w.outs) && w.outs.looks == looked, GROUP, "put off", "looks still");
    w.size = 0;
    age(&w, HOUR_NS);
    check(look(&w, 1) && read_until(&w, 0, 4), GROUP, "rung again", "nothing came");
    close_world(&w);
}

static void
test_stop(void)
{
    GROUP("flusher: stop");
    world w;

    open_world(&w, "head");
    ff_flusher_stop(&w.outs);
    check(!w.outs.running, GROUP, "never started", "is running");
    for (int is_set = 0; is_set < 2; is_set++) {
        check(ff_flusher_start(&w.outs) == 0, GROUP, "start once more", "is refused");
        ff_outs_lock(&w.outs);
        w.outs.count = 0;
        ff_outs_unlock(&w.outs);
        if (is_set)
            ff_flusher_ring(&w.outs, now_ns() + HOUR_NS);
        ff_flusher_stop(&w.outs);
        check(!w.outs.running, GROUP, is_set ? "set" : "at rest", "is running");
        /* Without the lock: ThreadSanitizer sees whether somebody else is still there. */
        put(&w, w.ours[0], 0, 4, NULL, 0);
        w.outs.first_ns -= HOUR_NS;
        check(is_silent(&w, 0), GROUP, "stopped", "it still sends");
    }
    ff_outs_close(&w.outs);
    check(ff_flusher_start(&w.outs) != 0 && !w.outs.running, GROUP, "closed", "starts once more");
    close_world(&w);
}

static volatile sig_atomic_t signalled;

static void
note(int signum)
{
    signalled = signum;
}

/* A signal to the process is the worker's: the flusher takes none. */
static void
test_signals(void)
{
    GROUP("flusher: signals");
    const struct timespec at_once = {0, 0};
    struct sigaction action = {.sa_handler = note}, before;
    sigset_t one, old, pending;
    world w;

    open_world(&w, "head");
    sigaction(SIGUSR1, &action, &before);
    check(ff_flusher_start(&w.outs) == 0, GROUP, "start", "is refused");
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &one, &old);
    check(!sigismember(&old, SIGUSR1), GROUP, "the caller's mask", "was changed");
    kill(getpid(), SIGUSR1);
    check(look(&w, LOOKS), GROUP, "looks", "no more");
    sigpending(&pending);
    check(!signalled && sigismember(&pending, SIGUSR1), GROUP, "to the process", "it took one");
    sigtimedwait(&one, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    sigaction(SIGUSR1, &before, NULL);
    close_world(&w);
}

/* The worker and the flusher at the same list: each byte arrives once, in order. */

/* As the worker does: send what the flusher has not, and begin anew. */
static void
flush(world *w)
{
    ff_outs_lock(&w->outs);
    for (int i = 0; i < w->outs.count; i++)
        ff_out_send(&w->outs.items[i], w->outs.buffer);
    w->outs.count = 0;
    ff_outs_unlock(&w->outs);
}

static void
add_four(world *w, size_t end)
{
    char *grown;

    ff_outs_lock(&w->outs);
    grown = realloc(w->outs.buffer, end);
    or_die(grown != NULL, "realloc");
    w->outs.buffer = grown;
    for (size_t i = end - 4; i < end; i++)
        grown[i] = (char)(i % 251);
    put(w, w->ours[0], end - 4, end, NULL, 0);
    ff_outs_unlock(&w->outs);
    ff_flusher_guard(&w->outs);
}

static void
test_both_at_once(void)
{
    GROUP("flusher: both at once");
    world w;
    size_t end = 0, wrong = 0;
    uint64_t seed = 11;
    int ok = 1;

    open_world(&w, "");
    check(ff_flusher_start(&w.outs) == 0, GROUP, "start", "is refused");
    for (int round = 0; ok && round < ROUNDS; round++) {
        int items = 1 + (int)(random_bits(&seed) % FF_OUT_MAX);
        while (items-- > 0)
            add_four(&w, end += 4);
        if (round % 8 == 0) /* this round is the flusher's */
            ok = read_until(&w, 0, end);
        flush(&w);
        ok = ok && read_until(&w, 0, end);
    }
    for (size_t i = 0; i < w.size; i++)
        wrong += w.got[i] != (char)(i % 251);
    check(ok && w.size == end && wrong == 0, GROUP, "each byte once", "%zu of %zu, %zu wrong",
          w.size, end, wrong);
    close_world(&w);
}

static void
test_fork(void)
{
    GROUP("flusher: fork");
    world w;
    pid_t child;
    int status = 0;

    open_world(&w, "head");
    check(ff_flusher_start(&w.outs) == 0, GROUP, "start", "is refused");
    child = fork();
    if (child == 0) {
        alarm(5); /* a join of the thread that is not there would wait for ever */
        ff_outs_close(&w.outs);
        _exit(w.outs.running || ff_timer_is_open(&w.outs.timer));
    }
    check(child > 0 && waitpid(child, &status, 0) == child && status == 0, GROUP, "child",
          "does not end");
    check(w.outs.running, GROUP, "parent", "has lost its thread");
    close_world(&w);
}

void
test_flusher(void)
{
    test_sent_after_a_while();
    test_second_waits_for_first();
    test_peer_is_gone();
    test_rest_and_ring();
    test_stop();
    test_fork();
    test_signals();
    test_both_at_once();
}
