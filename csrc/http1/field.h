/* field.h -- one field of a request head (RFC 9112 section 5).  What scan.c and field.c share;
 * the contract towards others is scan.h. */
#ifndef FF_FIELD_H
#define FF_FIELD_H

#include "http1/lanes.h"
#include "http1/scan.h"

/* What a byte is in a token; 0: no tchar. */
enum { FF_TOKEN = 1, FF_DASH_LIKE = 2 };
extern const uint8_t ff_tchar[256];

static inline int
ff_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* ff_value_span(), for where it runs for every field. */
static inline size_t
ff_value_run(const char *p, const char *end, uint8_t *obs)
{
    const char *q = p;
#ifdef FF_LANES
    const ff_lanes space = ff_all(0x20), tab = ff_all('\t'), del = ff_all(0x7f), zero = ff_all(0);
    ff_mask high = 0;

    while (end - q >= 16) {
        ff_lanes c = ff_load(q);
        /* 0x80-0xFF are < 0, so "0 <= c < 0x20" needs both compares. */
        ff_lanes control = ff_without(ff_less(c, space), ff_less(c, zero));
        ff_lanes stop = ff_or(ff_without(control, ff_equal(c, tab)), ff_equal(c, del));
        ff_mask stops = ff_bits(stop), highs = ff_high_bits(c);

        if (stops) {
            size_t at = ff_first(stops);
            if (high | ff_before(highs, at))
                *obs = 1;
            return (size_t)(q - p) + at;
        }
        high |= highs;
        q += 16;
    }
    if (high)
        *obs = 1;
#endif
    for (; q < end; q++) {
        unsigned char c = (unsigned char)*q;
        if (c >= 0x80)
            *obs = 1;
        else if ((c < 0x20 && c != '\t') || c == 0x7f)
            break;
    }
    return (size_t)(q - p);
}

/* The field at p, the CRLF of its last line included in the result.  It must end before
 * `stop`; the bytes end at `end`, and a look at the first one of the next line may be needed.
 * Spans count from `base`. */
ptrdiff_t ff_scan_field(const char *base, const char *p, const char *stop, const char *end,
                        uint32_t options, ff_field *f);

#endif
