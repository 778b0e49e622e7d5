/* field.h -- one field of a request head (RFC 9112 section 5).  What scan.c and field.c share;
 * the contract towards others is scan.h. */
#ifndef FF_FIELD_H
#define FF_FIELD_H

#include "scan.h"

#if defined(__SSE2__) && !defined(FF_NO_SSE2)
#include <emmintrin.h>
#define FF_SSE2 1
#endif

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
#ifdef FF_SSE2
    const __m128i space = _mm_set1_epi8(0x20), tab = _mm_set1_epi8('\t');
    const __m128i del = _mm_set1_epi8(0x7f), zero = _mm_setzero_si128();
    int high = 0;

    while (end - q >= 16) {
        __m128i c = _mm_loadu_si128((const __m128i *)q);
        /* As signed bytes 0x80-0xFF are < 0, so "0 <= c < 0x20" needs both compares. */
        __m128i control = _mm_andnot_si128(_mm_cmplt_epi8(c, zero), _mm_cmplt_epi8(c, space));
        __m128i stop = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(c, tab), control),
                                    _mm_cmpeq_epi8(c, del));
        int stops = _mm_movemask_epi8(stop), highs = _mm_movemask_epi8(c);

        if (stops) {
            int at = __builtin_ctz((unsigned)stops);
            if (high | (highs & ((1 << at) - 1)))
                *obs = 1;
            return (size_t)(q - p) + (size_t)at;
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
