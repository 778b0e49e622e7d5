/* framing.c -- see framing.h. */
#include "http1/framing.h"

#include <string.h>

#include "http1/target.h"

#define FF_MAX_LENGTH_DIGITS 18 /* 10**18 - 1 fits an int64_t */
#define FF_MAX_LENGTH_CHARS 40

/* What the fields of one head add up to. */
typedef struct {
    unsigned hosts, content_types, lengths;
    unsigned te_fields;
    unsigned te_members;      /* list members so far */
    unsigned te_bad;          /* empty, unknown, with parameters, or after "chunked" */
    unsigned te_chunked;      /* "chunked" seen */
    unsigned te_other;        /* a known coding that we do not decode */
    unsigned te_tab;          /* a tab stands behind the value, before the end of the line */
    unsigned close, keep, upgrade;
    unsigned expects, bad_expect, bad_length, bad_host;
    int64_t length;
} facts;

/* Next member of a comma list in *p..end, without the white space around it.  Returns 0
 * when there is none; an empty member has *n == 0. */
static int
next_member(const char **p, const char *end, const char **member, size_t *n)
{
    const char *q, *comma;

    if (*p > end)
        return 0;
    comma = memchr(*p, ',', (size_t)(end - *p));
    q = comma ? comma : end;
    *member = *p;
    *p = q + 1;
    while (*member < q && (**member == ' ' || **member == '\t'))
        (*member)++;
    while (q > *member && (q[-1] == ' ' || q[-1] == '\t'))
        q--;
    *n = (size_t)(q - *member);
    return 1;
}

/* RFC 9112 section 6.1. */
static void
note_transfer_encoding(const char *v, size_t len, facts *f)
{
    const char *p = v, *end = v + len, *m;
    size_t n;

    f->te_fields++;
    for (m = end; *m == ' ' || *m == '\t'; m++) /* CR ends the line at the latest */
        f->te_tab |= *m == '\t';
    while (next_member(&p, end, &m, &n)) {
        f->te_members++;
        if (f->te_chunked)
            f->te_bad = 1; /* nothing may follow, not even a second "chunked" */
        if (FF_IS(m, n, "chunked"))
            f->te_chunked = 1;
        else if (FF_IS(m, n, "gzip") || FF_IS(m, n, "deflate") || FF_IS(m, n, "compress") ||
                 FF_IS(m, n, "x-gzip") || FF_IS(m, n, "x-compress"))
            f->te_other = 1;
        else
            f->te_bad = 1;
    }
}

/* 1*DIGIT and nothing else (RFC 9110 section 8.6); a list of equal numbers is refused. */
static void
note_content_length(const char *v, size_t len, facts *f)
{
    size_t i = 0, digits;
    int64_t value = 0;

    f->lengths++;
    if (len == 0 || len > FF_MAX_LENGTH_CHARS) {
        f->bad_length = 1;
        return;
    }
    while (i < len && v[i] == '0')
        i++;
    digits = len - i;
    for (; i < len; i++) {
        if (v[i] < '0' || v[i] > '9' || digits > FF_MAX_LENGTH_DIGITS) {
            f->bad_length = 1;
            return;
        }
        value = value * 10 + (v[i] - '0');
    }
    f->length = value;
}

static void
note_connection(const char *v, size_t len, facts *f)
{
    const char *p = v, *end = v + len, *m;
    size_t n;

    while (next_member(&p, end, &m, &n)) {
        if (FF_IS(m, n, "close"))
            f->close = 1;
        else if (FF_IS(m, n, "keep-alive"))
            f->keep = 1;
        else if (FF_IS(m, n, "upgrade"))
            f->upgrade = 1;
    }
}

static void
note_expect(const char *v, size_t len, facts *f)
{
    const char *p = v, *end = v + len, *m;
    size_t n;

    f->expects = 1;
    while (next_member(&p, end, &m, &n))
        if (!FF_IS(m, n, "100-continue"))
            f->bad_expect = 1;
}

static void
note_fields(const char *base, const ff_head *h, facts *f)
{
    for (uint32_t i = 0; i < h->nfields; i++) {
        const ff_field *field = &h->fields[i];
        const char *v = base + field->value.at;
        size_t n = field->value.len;

        if (field->id == FF_OTHER)
            continue;
        switch (field->id) {
        case FF_HOST:
            f->hosts++;
            f->bad_host |= !ff_valid_host(v, n, 1);
            break;
        case FF_CONTENT_TYPE:
            f->content_types++;
            break;
        case FF_CONTENT_LENGTH:
            note_content_length(v, n, f);
            break;
        case FF_TRANSFER_ENCODING:
            note_transfer_encoding(v, n, f);
            break;
        case FF_CONNECTION:
            note_connection(v, n, f);
            break;
        case FF_EXPECT:
            note_expect(v, n, f);
            break;
        case FF_UPGRADE:
            f->upgrade = 1;
            break;
        }
    }
}

/* RFC 9112 section 6.3, in its order. */
static int
decide_body(const ff_head *h, const facts *f)
{
    if (f->te_fields) {
        if (h->minor == 0)
            return FF_TE_ON_HTTP_1_0;
        if (f->lengths)
            return FF_TE_AND_LENGTH;
        if (f->te_bad || !f->te_chunked)
            return FF_BAD_TE;
        if (f->te_other)
            return FF_TE_NOT_SUPPORTED;
    }
    if (f->lengths > 1 || f->bad_length)
        return FF_BAD_LENGTH;
    return 0;
}

int
ff_frame(const char *base, const ff_head *h, int64_t max_body, ff_framing *out)
{
    facts f;
    int rc;

    memset(&f, 0, sizeof f);
    note_fields(base, h, &f);
    rc = decide_body(h, &f);
    if (rc < 0)
        return rc;
    if (f.hosts > 1)
        return FF_HOST_REPEATED;
    if (f.hosts == 0 && h->minor > 0)
        return FF_HOST_MISSING;
    if (f.bad_host)
        return FF_BAD_HOST;
    if (f.content_types > 1)
        return FF_CONTENT_TYPE_REPEATED;
    if (max_body && f.length > max_body)
        return FF_BODY_TOO_LARGE;
    if (h->minor > 0 && f.bad_expect)
        return FF_BAD_EXPECT;

    out->content_length = f.lengths ? f.length : -1;
    out->chunked = f.te_fields > 0;
    out->te_has_tab = f.te_tab;
    out->keep_alive = !f.close && (h->minor > 0 || f.keep);
    out->expect_continue = h->minor > 0 && f.expects && (out->chunked || f.length > 0);
    out->upgrade = f.upgrade;
    return 0;
}
