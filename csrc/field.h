/* field.h -- one field of a request head (RFC 9112 section 5).  What scan.c and field.c share;
 * the contract towards others is scan.h. */
#ifndef FF_FIELD_H
#define FF_FIELD_H

#include "scan.h"

/* What a byte is in a token; 0: no tchar. */
enum { FF_TOKEN = 1, FF_DASH_LIKE = 2 };
extern const uint8_t ff_tchar[256];

static inline int
ff_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The field at p, the CRLF of its last line included in the result.  It must end before
 * `stop`; the bytes end at `end`, and a look at the first one of the next line may be needed.
 * Spans count from `base`. */
ptrdiff_t ff_scan_field(const char *base, const char *p, const char *stop, const char *end,
                        uint32_t options, ff_field *f);

#endif
