/* world.c -- see world.h. */
#include "world.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 20000 /* a sanitizer on a busy machine is slow */

int64_t
now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void
or_die(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(EXIT_FAILURE);
    }
}

void
open_world(world *w, const char *buffer)
{
    memset(w, 0, sizeof *w);
    for (int i = 0; i < 2; i++) {
        int pair[2];
        or_die(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
        w->ours[i] = pair[0];
        w->peers[i] = pair[1];
    }
    or_die(ff_outs_open(&w->outs) == 0, "a timer");
    w->outs.buffer = strdup(buffer);
    w->got = malloc(2 * LARGE);
    or_die(w->outs.buffer != NULL && w->got != NULL, "malloc");
}

void
close_world(world *w)
{
    ff_outs_close(&w->outs);
    for (int i = 0; i < 2; i++) {
        close(w->ours[i]);
        if (w->peers[i] >= 0)
            close(w->peers[i]);
    }
    free(w->outs.buffer);
    free(w->got);
}

void
close_peer(world *w, int peer)
{
    close(w->peers[peer]);
    w->peers[peer] = -1;
}

ff_out *
put(world *w, int fd, size_t start, size_t end, const char *body, size_t body_size)
{
    ff_out *item = &w->outs.items[w->outs.count];

    if (w->outs.count++ == 0)
        w->outs.first_ns = now_ns();
    *item = (ff_out){.fd = fd, .start = start, .end = end, .body = body, .body_size = body_size};
    return item;
}

int
read_until(world *w, int peer, size_t n)
{
    int64_t until = now_ns() + PATIENCE_MS * INT64_C(1000000);

    while (w->size < n && now_ns() < until) {
        struct pollfd look = {.fd = w->peers[peer], .events = POLLIN};
        ssize_t got;
        if (poll(&look, 1, PATIENCE_MS) <= 0)
            return 0;
        got = recv(look.fd, w->got + w->size, 2 * LARGE - w->size, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return 0;
        w->size += got > 0 ? (size_t)got : 0;
    }
    return w->size >= n;
}

int
is_silent(const world *w, int peer)
{
    struct pollfd look = {.fd = w->peers[peer], .events = POLLIN};

    return poll(&look, 1, 0) == 0;
}

int
becomes(ff_outs *outs, fact holds)
{
    int64_t until = now_ns() + PATIENCE_MS * INT64_C(1000000);

    for (;;) {
        int ok;
        ff_outs_lock(outs);
        ok = holds(outs);
        ff_outs_unlock(outs);
        if (ok || now_ns() > until)
            return ok;
        poll(NULL, 0, 1);
    }
}
