/* block.h -- the field block of a request head: its field lines and the empty line that ends it
 * (RFC 9112 section 2.1), as bytes to be compared with those of earlier requests.
 *
 * No allocation, no state, no Python.h. */
#ifndef FF_BLOCK_H
#define FF_BLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Length of the field block at p: up to and including the first CRLF CRLF.  0 when none ends
 * within n bytes, and for a block without a field.  Checks nothing else. */
size_t ff_block_size(const char *p, size_t n);

/* Do the n bytes at p end as a field block does?  Then they are one, or several requests. */
static inline int
ff_ends_block(const char *p, size_t n)
{
    return n >= 4 && memcmp(p + n - 4, "\r\n\r\n", 4) == 0;
}

/* A number for the n bytes at p.  Equal bytes have equal numbers; others nearly always differ,
 * but somebody who knows `seed` can make up some that do not: compare the bytes too. */
uint64_t ff_block_hash(const char *p, size_t n, uint64_t seed);

#endif
