/* field.c -- see field.h and scan.h. */
#include "http1/field.h"

/* Is this one of the names that decide something?  By length first: most are not. */
static uint8_t
name_id(const char *p, size_t n)
{
    switch (n) {
    case 4:
        return FF_IS(p, n, "host") ? FF_HOST : FF_OTHER;
    case 5:
        return FF_IS(p, n, "proxy") ? FF_PROXY : FF_OTHER;
    case 6:
        if (FF_IS(p, n, "cookie"))
            return FF_COOKIE;
        return FF_IS(p, n, "expect") ? FF_EXPECT : FF_OTHER;
    case 7:
        return FF_IS(p, n, "upgrade") ? FF_UPGRADE : FF_OTHER;
    case 10:
        return FF_IS(p, n, "connection") ? FF_CONNECTION : FF_OTHER;
    case 12:
        return FF_IS(p, n, "content-type") ? FF_CONTENT_TYPE : FF_OTHER;
    case 14:
        return FF_IS(p, n, "content-length") ? FF_CONTENT_LENGTH : FF_OTHER;
    case 17:
        return FF_IS(p, n, "transfer-encoding") ? FF_TRANSFER_ENCODING : FF_OTHER;
    }
    return FF_OTHER;
}

/* How does the line end that a run of value bytes leads up to at `last`?  Returns 2, the
 * length of CRLF, or a code. */
static ptrdiff_t
line_end(const char *last, const char *stop)
{
    if (last == stop)
        return FF_NEED_DATA;
    if (*last != '\r')
        return *last == '\n' ? FF_BARE_LF : FF_BAD_FIELD_VALUE;
    if (last + 1 == stop)
        return FF_NEED_DATA;
    return last[1] == '\n' ? 2 : FF_BARE_CR;
}

/* May a value of this field go over several lines?  Not where it decides about framing,
 * routing or the connection: whoever reads only its first line would decide otherwise. */
static int
may_fold(const ff_field *f)
{
    return f->id == FF_OTHER || f->id == FF_COOKIE || f->id == FF_CONTENT_TYPE;
}

/* The lines at p that go on with the value of f (RFC 9112 section 5.2).  *last is moved to
 * the end of its last line.  Returns 0 or a code; `end` is where the bytes end, `stop` where
 * the field must have. */
static ptrdiff_t
scan_folds(const char *p, const char *stop, const char *end, ff_field *f, const char **last)
{
    for (;;) {
        ptrdiff_t rc;

        if (p == end)
            return FF_NEED_DATA; /* does the value go on? */
        if (!ff_is_blank(*p))
            return 0;
        if (!may_fold(f))
            return FF_OBS_FOLD;
        for (; p < stop && ff_is_blank(*p); p++)
            ;
        if (p == stop)
            return FF_NEED_DATA;
        if (*p == '\r')
            return FF_OBS_FOLD; /* nothing but white space: it may pass for the empty line */
        f->has_fold = 1;
        *last = p + ff_value_span(p, stop, &f->has_obs_text);
        rc = line_end(*last, stop);
        if (rc < 0)
            return rc;
        p = *last + 2;
    }
}

/* White space at p where the colon should be.  Returns its length or a code. */
static ptrdiff_t
scan_spaces(const char *p, const char *stop, uint32_t options)
{
    const char *q = p;

    if (!(options & FF_STRIP_SPACES))
        return FF_BAD_FIELD_NAME; /* "Host :" too: RFC 9112 section 5.1 says 400 */
    while (q < stop && ff_is_blank(*q))
        q++;
    if (q == stop)
        return FF_NEED_DATA;
    return *q == ':' ? q - p : FF_BAD_FIELD_NAME;
}

/* The first byte of [p, stop) that is no letter, no digit and no "-", of which nearly all names are
 * made; or an earlier one, where fewer than sixteen bytes are left. */
static inline const char *
skip_common(const char *p, const char *stop)
{
#ifdef FF_LANES
    const ff_lanes upper = ff_all(0x20), dash = ff_all('-'), all = ff_all((char)0xff);
    const ff_lanes before_a = ff_all('a' - 1), after_z = ff_all('z' + 1);
    const ff_lanes before_0 = ff_all('0' - 1), after_9 = ff_all('9' + 1);

    for (; stop - p >= 16; p += 16) {
        /* 0x80-0xFF are below all of these. */
        ff_lanes c = ff_load(p), lower = ff_or(c, upper);
        ff_lanes letter = ff_and(ff_less(before_a, lower), ff_less(lower, after_z));
        ff_lanes digit = ff_and(ff_less(before_0, c), ff_less(c, after_9));
        ff_lanes common = ff_or(ff_or(letter, digit), ff_equal(c, dash));
        ff_mask others = ff_bits(ff_without(all, common));

        if (others)
            return p + ff_first(others);
    }
#else
    (void)stop;
#endif
    return p;
}

ptrdiff_t
ff_scan_field(const char *base, const char *p, const char *stop, const char *end,
              uint32_t options, ff_field *f)
{
    const char *name = p, *last;
    uint8_t kind, seen = 0;
    ptrdiff_t rc;
    size_t n;

    for (p = skip_common(p, stop); p < stop && (kind = ff_tchar[(unsigned char)*p]) != 0; p++)
        seen |= kind;
    n = (size_t)(p - name);
    if (p == stop)
        return FF_NEED_DATA;
    if (n == 0)
        return FF_BAD_FIELD_NAME;
    if (*p != ':') {
        rc = scan_spaces(p, stop, options);
        if (rc < 0)
            return rc;
        p += rc;
    }
    f->has_space = p > name + n;
    f->name.at = (uint32_t)(name - base);
    f->name.len = (uint32_t)n;
    f->id = name_id(name, n);
    f->has_underscore = (seen & FF_DASH_LIKE) != 0;
    f->has_obs_text = f->has_fold = 0;
    if (f->has_underscore && (options & FF_REFUSE_UNDERSCORE))
        return FF_UNDERSCORE;

    for (p++; p < stop && ff_is_blank(*p); p++)
        ;
    f->value.at = (uint32_t)(p - base);
    last = p + ff_value_run(p, stop, &f->has_obs_text);
    rc = line_end(last, stop);
    if (rc < 0)
        return rc;
    if (options & FF_PERMIT_FOLDING) {
        rc = scan_folds(last + 2, stop, end, f, &last);
        if (rc < 0)
            return rc;
    }
    n = (size_t)(last - p);
    while (n > 0 && ff_is_blank(p[n - 1]))
        n--;
    f->value.len = (uint32_t)n;
    return last + 2 - name;
}

ptrdiff_t
ff_scan_field_line(const char *p, size_t n, uint32_t options)
{
    const char *end = p + n;
    ff_field field;

    if (n > 0 && ff_is_blank(*p) && (options & FF_PERMIT_FOLDING)) {
        ptrdiff_t rc = line_end(p + ff_value_span(p, end, &field.has_obs_text), end);
        return rc < 0 ? rc : (ptrdiff_t)n;
    }
    return ff_scan_field(p, p, end, end, options, &field);
}

size_t
ff_unfold(char *dst, const char *src, size_t n)
{
    const char *end = src + n;
    char *d = dst;

    while (src < end) {
        if (*src != '\r') {
            *d++ = *src++;
            continue;
        }
        while (d > dst && ff_is_blank(d[-1]))
            d--;
        for (src += 2; src < end && ff_is_blank(*src); src++)
            ;
        if (d > dst)
            *d++ = ' ';
    }
    return (size_t)(d - dst);
}
