/* fuzz_head.c -- libFuzzer target for ff_scan_head() and ff_frame(): parse it or refuse it.
 *
 * The first four bytes choose the limits, the rest is the input.  What must hold:
 * spans lie inside the head and in order; no prefix says anything but "need data" or what
 * the whole says; SSE2 and plain code agree; what is framed as a body has one length. */
#include <stdlib.h>
#include <string.h>

#include "framing.h"
#include "plain_scan.h"
#include "target.h"

#define CAPACITY 64
#define MAX_BODY 100000

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An exact copy in its own allocation, so that ASan sees one byte too far. */
static char *
copy(const char *p, size_t n)
{
    char *own = malloc(n ? n : 1);

    memcpy(own, p, n);
    return own;
}

static void
check_span(ff_span s, size_t from, size_t to)
{
    MUST(s.at >= from && s.at <= to && s.len <= to - s.at);
}

static void
check_head(const char *p, size_t used, const ff_head *h)
{
    size_t at = h->start;

    MUST(used >= 4 && memcmp(p + used - 2, "\r\n", 2) == 0);
    check_span(h->method, at, used);
    check_span(h->target, h->method.at + h->method.len + 1, used);
    at = h->target.at + h->target.len;
    MUST(h->target.len > 0);
    check_span(h->path, h->target.at, at);
    check_span(h->query, h->path.at + h->path.len, at);
    check_span(h->authority, h->target.at, at);
    MUST(h->form <= FF_ASTERISK_FORM && h->minor <= 9);
    MUST(h->path.len > 0 || h->form == FF_ABSOLUTE_FORM);
    for (uint32_t i = 0; i < h->nfields; i++) {
        const ff_field *f = &h->fields[i];

        check_span(f->name, at, used);
        check_span(f->value, f->name.at + f->name.len + 1, used - 2);
        at = f->value.at + f->value.len;
        MUST(f->name.len > 0 && p[f->name.at + f->name.len] == ':');
        MUST(ff_token_span(p + f->name.at, p + used) == f->name.len);
        MUST(f->value.len == 0 || (!strchr(" \t", p[f->value.at]) && !strchr(" \t", p[at - 1])));
        MUST(memchr(p + f->value.at, '\n', f->value.len) == NULL);
    }
}

static void
check_framing(const char *p, const ff_head *h)
{
    ff_framing f;
    int rc = ff_frame(p, h, MAX_BODY, &f);
    uint8_t obs = 0;
    char *path = malloc(h->path.len + 1);

    MUST(ff_unquote(path, p + h->path.at, h->path.len, &obs) <= h->path.len);
    free(path);
    if (rc != 0) {
        MUST(ff_error_status(rc) != 500);
        return;
    }
    MUST(f.content_length >= -1 && f.content_length <= MAX_BODY);
    MUST(!f.chunked || (f.content_length == -1 && h->minor > 0));
    MUST(!f.expect_continue || f.chunked || f.content_length > 0);
}

static ptrdiff_t
scan(const char *p, size_t n, const ff_limits *limits, int look)
{
    ff_field fields[CAPACITY], plain_fields[CAPACITY];
    ff_head h = {.fields = fields, .capacity = CAPACITY};
    ff_head plain = {.fields = plain_fields, .capacity = CAPACITY};
    char *own = copy(p, n);
    ptrdiff_t rc = ff_scan_head(own, n, limits, &h);

    MUST(rc == plain_scan_head(own, n, limits, &plain));
    MUST(rc != 0 && rc <= (ptrdiff_t)n);
    MUST(rc > 0 || rc == FF_NEED_DATA || rc == FF_NEED_FIELDS || ff_error_status(rc) != 500);
    if (rc > 0 && look) {
        MUST(h.nfields == plain.nfields);
        check_head(own, (size_t)rc, &h);
        check_framing(own, &h);
    }
    free(own);
    return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data + 4;
    size_t n = size - 4, step;
    ff_limits limits;
    ptrdiff_t whole;
    int decided = 0;

    if (size < 4)
        return 0;
    limits.line = data[0] * 2u;
    limits.fields = data[1] % CAPACITY;
    limits.field_size = data[2];
    limits.head = data[3] * 4u;
    limits.options = 0;
    whole = scan(p, n, &limits, 1);
    step = n > 200 ? 1 + n / 97 : 1; /* every prefix of short inputs, about 100 of long ones */
    for (size_t cut = 0; cut < n; cut += step) {
        ptrdiff_t rc = scan(p, cut, &limits, 0);

        if (rc == FF_NEED_DATA)
            MUST(!decided && (whole < 0 || cut < (size_t)whole));
        else
            MUST(rc == whole);
        decided = rc != FF_NEED_DATA;
    }
    return 0;
}
