/* utf8.h -- is this UTF-8 (RFC 3629 section 4), when it comes in pieces?
 *
 * No allocation, no Python.h: all that is kept from one piece to the next is one byte. */
#ifndef FF_WS_UTF8_H
#define FF_WS_UTF8_H

#include <stddef.h>
#include <stdint.h>

enum {
    FF_UTF8_WHOLE = 0, /* where a text begins, and where it may end */
    FF_UTF8_BAD = 0xff,
};

/* The state behind n bytes at p, when it was `state` before them.  FF_UTF8_BAD as soon as the bytes
 * are not the beginning of any UTF-8: no surrogate, nothing above U+10FFFF, no longer form than is
 * needed, no byte of which a character cannot be made. */
uint8_t ff_utf8_after(uint8_t state, const char *p, size_t n);

#endif
