/* block.c -- see block.h. */
#include "http1/block.h"
#include "http1/lanes.h"

/* Is the LF at p[at], at > 0, the end of one line, with an empty one behind it?  Three bytes from
 * there on can be read. */
static int
ends_block(const char *p, size_t at)
{
    return p[at - 1] == '\r' && p[at] == '\n' && p[at + 1] == '\r' && p[at + 2] == '\n';
}

size_t
ff_block_size(const char *p, size_t n)
{
    size_t at = 1;

    if (n == 0 || *p == '\r')
        return 0;

#ifdef FF_LANES
    const ff_lanes cr = ff_all('\r'), lf = ff_all('\n');

    /* LF at one place and CR at the next, sixteen places at a time. */
    for (; at + 18 <= n; at += 16) {
        ff_lanes here = ff_load(p + at), next = ff_load(p + at + 1);
        ff_mask both = ff_bits(ff_and(ff_equal(here, lf), ff_equal(next, cr)));

        for (; both; both &= both - 1) {
            size_t i = at + ff_first(both);
            if (ends_block(p, i))
                return i + 3;
        }
    }
#endif
    for (; at + 2 < n; at++)
        if (ends_block(p, at))
            return at + 3;
    return 0;
}

static inline uint64_t
word(const char *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof w);
    return w;
}

/* Both halves of the product of two words, in one. */
static inline uint64_t
fold(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 both;
    both product = (both)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    return a * b ^ (a >> 32) * (b >> 32);
#endif
}

uint64_t
ff_block_hash(const char *p, size_t n, uint64_t seed)
{
    /* Digits of the fractional part of pi: odd numbers without a pattern. */
    const uint64_t k0 = 0x243F6A8885A308D3u, k1 = 0x13198A2E03707345u, k2 = 0xA4093822299F31D1u;
    uint64_t a = seed ^ k0, b = seed + k1, first, last;
    const char *q = p, *end = p + n;

    for (; end - q > 64; q += 64) {
        a = fold(a ^ word(q), k1 ^ word(q + 8));
        b = fold(b ^ word(q + 16), k2 ^ word(q + 24));
        a = fold(a ^ word(q + 32), k2 ^ word(q + 40));
        b = fold(b ^ word(q + 48), k1 ^ word(q + 56));
    }
    if (end - q > 32) {
        a = fold(a ^ word(q), k1 ^ word(q + 8));
        b = fold(b ^ word(q + 16), k2 ^ word(q + 24));
        q += 32;
    }
    if (n >= 32) { /* the last 32 bytes, some of them once more */
        a = fold(a ^ word(end - 32), k1 ^ word(end - 24));
        b = fold(b ^ word(end - 16), k2 ^ word(end - 8));
    } else {
        for (; end - q > 8; q += 8)
            a = fold(a ^ word(q), k1);
        first = last = 0;
        memcpy(&first, q, (size_t)(end - q));
        if (n >= 8)
            last = word(end - 8);
        b = fold(b ^ first, k2 ^ last);
    }
    return fold(a ^ k2, b ^ (n + k0));
}
