/* bucket.h -- how often something may happen: a token bucket as one number.
 *
 * No allocation, no Python.h. */
#ifndef FF_BUCKET_H
#define FF_BUCKET_H

#include <stdint.h>

/* Holds `size` tokens and gets `rate` of them back a second.  full_ns: when it is full again,
 * monotonic nanoseconds, which says how many are missing now. */
typedef struct {
    int64_t full_ns;
    int64_t token_ns; /* nanoseconds a token takes to come back */
    int64_t size_ns;  /* ... and all of them */
} ff_bucket;

static inline void
ff_bucket_init(ff_bucket *b, int64_t size, int64_t rate)
{
    b->full_ns = 0;
    b->token_ns = 1000000000 / rate;
    b->size_ns = size * b->token_ns;
}

/* Take one token at `now`.  0 when there is none. */
static inline int
ff_bucket_take(ff_bucket *b, int64_t now)
{
    if (b->full_ns < now)
        b->full_ns = now;
    b->full_ns += b->token_ns;
    return b->full_ns - now <= b->size_ns;
}

/* Put `count` tokens back; more than `size` are never in it. */
static inline void
ff_bucket_give(ff_bucket *b, int64_t count)
{
    b->full_ns -= count * b->token_ns;
}

#endif
