/* scan.h -- the head of an HTTP/1.x request: request line and field lines (RFC 9112
 * sections 2, 3 and 5), found, checked and reported as offsets.
 *
 * No allocation, no state between calls, no Python.h.  A scanner reads the bytes it is
 * given and nothing beyond.  It returns the bytes it used (> 0), FF_NEED_DATA,
 * FF_NEED_FIELDS, or an error code of errors.h; what it reports is complete only when the
 * result is > 0.
 *
 * The verdict depends on the bytes alone, never on how they were cut into packets: the
 * scan is strictly left to right and reports the first offence, so feeding a prefix first
 * can only delay it. */
#ifndef FF_SCAN_H
#define FF_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "http1/errors.h"

/* Bytes [at, at + len) counted from the first byte of the head. */
typedef struct {
    uint32_t at;
    uint32_t len;
} ff_span;

/* The fields that decide framing, routing or joining; everything else is FF_OTHER. */
typedef enum {
    FF_OTHER = 0,
    FF_HOST,
    FF_CONTENT_LENGTH,
    FF_CONTENT_TYPE,
    FF_TRANSFER_ENCODING,
    FF_CONNECTION,
    FF_EXPECT,
    FF_COOKIE,
    FF_UPGRADE,
    FF_PROXY, /* would become HTTP_PROXY, which CGI-minded clients trust: httpoxy */
} ff_name_id;

typedef struct {
    ff_span name;
    ff_span value;          /* without the white space around it */
    uint8_t id;             /* ff_name_id */
    uint8_t has_obs_text;   /* the value has a byte >= 0x80 */
    uint8_t has_underscore; /* the name has one: in CGI names it would pass for "-" */
    uint8_t has_fold;       /* the value goes over several lines: ff_unfold() joins them */
    uint8_t has_space;      /* there was white space before the colon */
} ff_field;

typedef enum { FF_ORIGIN_FORM, FF_ABSOLUTE_FORM, FF_ASTERISK_FORM } ff_target_form;

typedef struct {
    ff_span method;
    ff_span target;     /* as received */
    ff_span path;       /* len 0 in absolute-form without a path: it means "/" */
    ff_span query;      /* after the "?"; len 0 also when there is no "?" */
    ff_span authority;  /* absolute-form only, else len 0 */
    uint8_t form;       /* ff_target_form */
    uint8_t minor;      /* the digit after "HTTP/1." */
    uint8_t path_has_percent;
    uint8_t target_has_obs; /* bytes >= 0x80 */
    uint8_t is_lenient; /* has something that only an option below permits */
    uint32_t start;     /* bytes of empty lines skipped before the request line */
    uint32_t nfields;
    uint32_t capacity;  /* of fields, set by the caller */
    ff_field *fields;   /* the caller's */
} ff_head;

/* What is refused unless permitted, and what is taken unless refused. */
enum {
    FF_PERMIT_FOLDING = 1,     /* obs-fold, in fields that decide nothing */
    FF_STRIP_SPACES = 2,       /* white space between a field name and its colon */
    FF_PERMIT_METHOD = 4,      /* every token */
    FF_CASEFOLD_METHOD = 8,    /* lower case, which means the same as upper case */
    FF_PERMIT_VERSION = 16,    /* HTTP/0.x is served as 1.0, HTTP/2.x and above as 1.1 */
    FF_REFUSE_UNDERSCORE = 32, /* field names with one */
};

/* Bytes, or a count for `fields`; 0 = no limit. */
typedef struct {
    uint32_t line;       /* request line, without its CRLF */
    uint32_t fields;     /* number of field lines */
    uint32_t field_size; /* one field line with its CRLF */
    uint32_t head;       /* the whole head with its last CRLF */
    uint32_t options;    /* of those above */
} ff_limits;

/* RFC 9112 section 2.2 lets a server skip "at least one" empty line before a request. */
#define FF_MAX_BLANK_LINES 4

/* One request head from p[0].  Fills *h, whose `fields` and `capacity` the caller set. */
ptrdiff_t ff_scan_head(const char *p, size_t n, const ff_limits *limits, ff_head *h);

/* The same in two steps.  The first returns where the field lines begin, and is asked for again
 * when more bytes have come; the second begins there, and returns the length of the head. */
ptrdiff_t ff_scan_line(const char *p, size_t n, const ff_limits *limits, ff_head *h);
ptrdiff_t ff_scan_fields(const char *p, size_t n, size_t at, const ff_limits *limits, ff_head *h);

/* One field line at p, however little of it is there: its length with CRLF, FF_NEED_DATA, or
 * an error code.  Knows no limits.  For a look at a line that comes in drops. */
ptrdiff_t ff_scan_field_line(const char *p, size_t n, uint32_t options);

/* Joins the lines of a folded value by one SP each (RFC 9112 section 5.2).  dst needs n
 * bytes.  Returns the length. */
size_t ff_unfold(char *dst, const char *src, size_t n);

/* Index of the first byte of [p, end) that is no field-value byte: HTAB, 0x20-0x7E and
 * 0x80-0xFF are.  end - p when all are.  *obs is set to 1 when a byte >= 0x80 was seen. */
size_t ff_value_span(const char *p, const char *end, uint8_t *obs);

/* Index of the first byte of [p, end) that is no tchar (RFC 9110 section 5.6.2). */
size_t ff_token_span(const char *p, const char *end);

/* Is `c` a tchar? */
int ff_is_tchar(unsigned char c);

/* ASCII lower case, and nothing else: tolower() obeys the locale. */
static inline unsigned char
ff_lower(unsigned char c)
{
    return (unsigned char)(c - 'A') < 26 ? c | 0x20 : c;
}

/* Are the n bytes at p the lower-case word w, in any case of ASCII letters? */
static inline int
ff_equals(const char *p, size_t n, const char *w, size_t wn)
{
    if (n != wn)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (ff_lower((unsigned char)p[i]) != (unsigned char)w[i])
            return 0;
    return 1;
}

#define FF_IS(p, n, literal) ff_equals((p), (n), literal, sizeof(literal) - 1)

#endif
