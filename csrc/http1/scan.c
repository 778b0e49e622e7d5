/* scan.c -- see scan.h. */
#include "http1/scan.h"

#include "http1/field.h"
#include "http1/target.h"

/* RFC 9110 section 5.6.2: "!#$%&'*+-.^_`|~", digits, letters. */
const uint8_t ff_tchar[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1,
    ['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = FF_TOKEN | FF_DASH_LIKE, ['`'] = 1, ['|'] = 1,  ['~'] = 1,
    ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1,  ['6'] = 1, ['7'] = 1,
    ['8'] = 1, ['9'] = 1,
    ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1, ['F'] = 1,  ['G'] = 1, ['H'] = 1,
    ['I'] = 1, ['J'] = 1, ['K'] = 1, ['L'] = 1, ['M'] = 1, ['N'] = 1,  ['O'] = 1, ['P'] = 1,
    ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1,  ['W'] = 1, ['X'] = 1,
    ['Y'] = 1, ['Z'] = 1,
    ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1, ['f'] = 1,  ['g'] = 1, ['h'] = 1,
    ['i'] = 1, ['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1,  ['o'] = 1, ['p'] = 1,
    ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1, ['v'] = 1,  ['w'] = 1, ['x'] = 1,
    ['y'] = 1, ['z'] = 1,
};

int
ff_is_tchar(unsigned char c)
{
    return ff_tchar[c] != 0;
}

int
ff_error_status(int code)
{
    switch (code) {
#define FF_ROW(name, code, status, text) \
    case name:                           \
        return status;
        FF_ERRORS(FF_ROW)
#undef FF_ROW
    }
    return 500;
}

const char *
ff_error_text(int code)
{
    switch (code) {
#define FF_ROW(name, code, status, text) \
    case name:                           \
        return text;
        FF_ERRORS(FF_ROW)
#undef FF_ROW
    }
    return "unknown error";
}

size_t
ff_token_span(const char *p, const char *end)
{
    const char *q = p;

    while (q < end && ff_tchar[(unsigned char)*q])
        q++;
    return (size_t)(q - p);
}

size_t
ff_value_span(const char *p, const char *end, uint8_t *obs)
{
    return ff_value_run(p, end, obs);
}

/* Index of the first byte that is not 0x21-0x7E or 0x80-0xFF: the end of a request target.
 * *obs is set to 1 when a byte >= 0x80 was seen.  RFC 3986 has such bytes escaped; clients that
 * send them mean what the escaped form means. */
static size_t
target_span(const char *p, const char *end, uint8_t *obs)
{
    const char *q = p;
#ifdef FF_LANES
    const ff_lanes space = ff_all(0x21), del = ff_all(0x7f);

    while (end - q >= 16) {
        ff_lanes c = ff_load(q);
        /* 0x80-0xFF are below 0x21 too, and left to the loop below. */
        ff_mask stops = ff_bits(ff_or(ff_less(c, space), ff_equal(c, del)));
        if (stops) {
            q += ff_first(stops);
            break;
        }
        q += 16;
    }
#endif
    for (; q < end; q++) {
        unsigned char c = (unsigned char)*q;
        if (c >= 0x80)
            *obs = 1;
        else if (c <= 0x20 || c == 0x7f)
            break;
    }
    return (size_t)(q - p);
}

/* gunicorn's convention, kept: 3 to 20 long, no lower case, no "#". */
static int
acceptable_method(const char *p, size_t n, uint32_t options)
{
    int lower = 0;

    if (options & FF_PERMIT_METHOD)
        return n > 0;
    if (n < 3 || n > 20)
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '#')
            return 0;
        lower |= p[i] >= 'a' && p[i] <= 'z';
    }
    return !lower || (options & FF_CASEFOLD_METHOD);
}

/* "HTTP/1.x" CRLF at p.  Returns 10, FF_NEED_DATA or an error; compares as far as the
 * bytes go, so that a wrong version is refused before its line ends. */
static ptrdiff_t
scan_version(const char *p, const char *end, uint32_t options, ff_head *h)
{
    static const char WANT[] = "HTTP/";
    size_t n = (size_t)(end - p);

    for (size_t i = 0; i < 5; i++) {
        if (i >= n)
            return FF_NEED_DATA;
        if (p[i] != WANT[i])
            return FF_BAD_VERSION;
    }
    for (size_t i = 5; i < 8; i++) {
        if (i >= n)
            return FF_NEED_DATA;
        if (i == 6 ? p[i] != '.' : (p[i] < '0' || p[i] > '9'))
            return FF_BAD_VERSION;
    }
    if (n < 9)
        return FF_NEED_DATA;
    if (p[8] == '\n')
        return FF_BARE_LF;
    if (p[8] != '\r')
        return FF_BAD_VERSION;
    if (n < 10)
        return FF_NEED_DATA;
    if (p[9] != '\n')
        return FF_BARE_CR;
    h->minor = (uint8_t)(p[7] - '0');
    if (p[5] != '1') {
        if (!(options & FF_PERMIT_VERSION))
            return FF_VERSION_NOT_SUPPORTED;
        h->minor = p[5] > '1';
        h->is_lenient = 1;
    }
    return 10;
}

/* The request line at base[h->start].  Returns its length with CRLF. */
static ptrdiff_t
scan_request_line(const char *base, const char *end, const ff_limits *limits, ff_head *h)
{
    const char *line = base + h->start, *p = line, *stop = end;
    int cut = FF_NEED_DATA; /* what it means when the bytes end at `stop` */
    ptrdiff_t used;
    int rc;

    if (limits->line && (size_t)(end - line) > (size_t)limits->line + 2) {
        stop = line + limits->line + 2;
        cut = FF_LINE_TOO_LONG;
    }
    if (limits->head && (size_t)(stop - base) > limits->head) {
        stop = base + limits->head;
        cut = FF_HEAD_TOO_LONG;
    }
    p += ff_token_span(p, stop);
    if (p == stop)
        return cut;
    if (*p != ' ' || !acceptable_method(line, (size_t)(p - line), limits->options))
        return FF_BAD_METHOD;
    h->method.at = h->start;
    h->method.len = (uint32_t)(p - line);

    p++;
    h->target.at = (uint32_t)(p - base);
    h->target.len = (uint32_t)target_span(p, stop, &h->target_has_obs);
    p += h->target.len;
    if (p == stop)
        return cut;
    if (*p != ' ')
        return *p == '\r' || *p == '\n' ? FF_BAD_VERSION : FF_BAD_TARGET;
    rc = ff_split_target(base, h, (limits->options & FF_CASEFOLD_METHOD) != 0);
    if (rc < 0)
        return rc;

    p++;
    used = scan_version(p, stop, limits->options, h);
    if (used < 0)
        return used == FF_NEED_DATA ? cut : used;
    return p - line + used;
}

ptrdiff_t
ff_scan_fields(const char *base, size_t n, size_t at, const ff_limits *limits, ff_head *h)
{
    const char *p = base + at, *end = base + n, *head_end = end, *stop;
    int head_cut = 0, cut;
    ptrdiff_t used;

    h->nfields = 0;
    if (limits->head && (size_t)(end - base) > limits->head) {
        head_end = base + limits->head;
        head_cut = 1;
    }
    for (;;) {
        if (p >= head_end)
            return head_cut ? FF_HEAD_TOO_LONG : FF_NEED_DATA;
        if (*p == '\r') {
            if (p + 1 >= head_end)
                return head_cut ? FF_HEAD_TOO_LONG : FF_NEED_DATA;
            return p[1] == '\n' ? p + 2 - base : FF_BARE_CR;
        }
        if (*p == '\n')
            return FF_BARE_LF;
        if (ff_is_blank(*p))
            return FF_OBS_FOLD; /* of the request line; those of fields are part of them */
        if (limits->fields && h->nfields == limits->fields)
            return FF_TOO_MANY_FIELDS;
        if (h->nfields == h->capacity)
            return FF_NEED_FIELDS;
        stop = head_end;
        cut = limits->field_size && (size_t)(head_end - p) > limits->field_size;
        if (cut)
            stop = p + limits->field_size;
        used = ff_scan_field(base, p, stop, head_end, limits->options, &h->fields[h->nfields]);
        if (used == FF_NEED_DATA)
            return cut ? FF_FIELD_TOO_LONG : head_cut ? FF_HEAD_TOO_LONG : FF_NEED_DATA;
        if (used < 0)
            return used;
        h->is_lenient |= h->fields[h->nfields].has_fold | h->fields[h->nfields].has_space;
        h->nfields++;
        p += used;
    }
}

ptrdiff_t
ff_scan_line(const char *p, size_t n, const ff_limits *limits, ff_head *h)
{
    const char *end = p + n;
    uint32_t blank = 0;
    ptrdiff_t used;

    h->is_lenient = 0;
    h->target_has_obs = 0;
    for (h->start = 0; h->start < n; h->start += 2) {
        const char *q = p + h->start;
        if (*q == '\n')
            return FF_BARE_LF;
        if (*q != '\r')
            break;
        if (++blank > FF_MAX_BLANK_LINES)
            return FF_BAD_BLANK_LINES;
        if (q + 1 == end)
            return FF_NEED_DATA;
        if (q[1] != '\n')
            return FF_BARE_CR;
    }
    if (h->start >= n)
        return FF_NEED_DATA;
    used = scan_request_line(p, end, limits, h);
    return used < 0 ? used : (ptrdiff_t)h->start + used;
}

ptrdiff_t
ff_scan_head(const char *p, size_t n, const ff_limits *limits, ff_head *h)
{
    ptrdiff_t at = ff_scan_line(p, n, limits, h);

    return at < 0 ? at : ff_scan_fields(p, n, (size_t)at, limits, h);
}
