/* world.h -- what the tests of flusher.h act on: a list of what is to be sent, for two connections
 * that are socket pairs.  Every wait here is a poll() with a deadline. */
#ifndef FF_WORLD_H
#define FF_WORLD_H

#include "loop/flusher.h"

#define LARGE   (1 << 20) /* bytes; more than a socket pair takes at once */
#define HOUR_NS 3600000000000

/* The name of a group of checks, as check() wants it. */
#define GROUP(name) static const char *const GROUP = name

typedef struct {
    ff_outs outs;
    int ours[2], peers[2];
    char *got; /* what a peer has read */
    size_t size;
} world;

/* A fact about the list. */
typedef int (*fact)(const ff_outs *outs);

int64_t now_ns(void);

/* Ends the tests with errno's text when it is not ok. */
void or_die(int ok, const char *what);

/* buffer: what its items' heads lie in; copied. */
void open_world(world *w, const char *buffer);

/* Stops the flusher too. */
void close_world(world *w);

/* A peer goes away. */
void close_peer(world *w, int peer);

/* Bytes [start, end) of the buffer and a body (or NULL) for fd; with the lock held. */
ff_out *put(world *w, int fd, size_t start, size_t end, const char *body, size_t body_size);

/* Read what `peer` has until there are n bytes in all; 0 when time is up or it has ended. */
int read_until(world *w, int peer, size_t n);

/* Is nothing there to be read now? */
int is_silent(const world *w, int peer);

/* Look at the list, with the lock, until the fact holds; 0 when time is up. */
int becomes(ff_outs *outs, fact holds);

#endif
