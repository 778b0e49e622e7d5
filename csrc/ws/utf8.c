/* utf8.c -- see utf8.h. */
#include "ws/utf8.h"

#include <string.h>

#include "http1/lanes.h"

/* What may come inside a character: bytes from low to high, and the state behind one. */
enum {
    WHOLE = FF_UTF8_WHOLE,
    ONE_MORE,
    TWO_MORE,
    THREE_MORE,
    AFTER_E0, /* two more, but below A0 a shorter form would have done */
    AFTER_ED, /* two more, but from A0 on they are surrogates */
    AFTER_F0, /* three more, but below 90 a shorter form would have done */
    AFTER_F4, /* three more, but from 90 on they are above U+10FFFF */
};

static const struct {
    unsigned char low, high;
    uint8_t next;
} INSIDE[] = {
    [ONE_MORE] = {0x80, 0xbf, WHOLE},      [TWO_MORE] = {0x80, 0xbf, ONE_MORE},
    [THREE_MORE] = {0x80, 0xbf, TWO_MORE}, [AFTER_E0] = {0xa0, 0xbf, ONE_MORE},
    [AFTER_ED] = {0x80, 0x9f, ONE_MORE},   [AFTER_F0] = {0x90, 0xbf, TWO_MORE},
    [AFTER_F4] = {0x80, 0x8f, TWO_MORE},
};

/* The state behind the first byte of a character. */
static inline uint8_t
begin(unsigned char c)
{
    if (c < 0x80)
        return WHOLE;
    if (c < 0xc2)
        return FF_UTF8_BAD; /* inside a character; or C0, C1: a longer form of ASCII */
    if (c < 0xe0)
        return ONE_MORE;
    if (c < 0xf0)
        return c == 0xe0 ? AFTER_E0 : c == 0xed ? AFTER_ED : TWO_MORE;
    if (c < 0xf5)
        return c == 0xf0 ? AFTER_F0 : c == 0xf4 ? AFTER_F4 : THREE_MORE;
    return FF_UTF8_BAD;
}

/* The first byte of [p, end) that is not ASCII, or an earlier one of the last few. */
static inline const unsigned char *
skip_ascii(const unsigned char *p, const unsigned char *end)
{
    uint64_t word;

#ifdef FF_LANES
    for (; end - p >= 16; p += 16) {
        ff_mask high = ff_high_bits(ff_load((const char *)p));

        if (high)
            return p + ff_first(high);
    }
#endif
    for (; end - p >= 8; p += 8) {
        memcpy(&word, p, 8);
        if (word & 0x8080808080808080u)
            return p;
    }
    return p;
}

uint8_t
ff_utf8_after(uint8_t state, const char *bytes, size_t n)
{
    const unsigned char *p = (const unsigned char *)bytes, *end = p + n;

    if (state == FF_UTF8_BAD)
        return FF_UTF8_BAD;
    while (p < end) {
        if (state == WHOLE) {
            if (*p < 0x80) {
                p = skip_ascii(p, end);
                if (p == end)
                    return WHOLE;
            }
            state = begin(*p++);
            if (state == FF_UTF8_BAD)
                return FF_UTF8_BAD;
            continue;
        }
        if (*p < INSIDE[state].low || *p > INSIDE[state].high)
            return FF_UTF8_BAD;
        state = INSIDE[state].next;
        p++;
    }
    return state;
}
