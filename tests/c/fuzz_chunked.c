/* fuzz_chunked.c -- libFuzzer target for the chunked decoder: decode it or refuse it.
 *
 * The first four bytes choose the limits and a cut, the rest is the input.  Whole, byte by
 * byte and in two pieces must give the same verdict, the same body and the same end. */
#include "http1/chunked.h"
#include "fuzz.h"

typedef struct {
    int code;
    size_t used, len;
    char body[4096];
} decoded;

/* Returns 0 when the decoder has said its last word. */
static int
feed(ff_chunked *c, const char *piece, size_t n, decoded *d)
{
    char *own = exact_copy(piece, n);
    const char *p = own, *run;
    size_t len;

    while ((d->code = ff_chunked_next(c, &p, own + n, &run, &len)) == FF_CHUNK_DATA) {
        MUST(len > 0 && run >= own && run + len == p);
        MUST(d->len + len <= sizeof d->body);
        memcpy(d->body + d->len, run, len);
        d->len += len;
    }
    MUST(p >= own && p <= own + n);
    MUST(d->code != FF_NEED_DATA || p == own + n);
    MUST(d->code == FF_NEED_DATA || d->code == FF_CHUNK_END || ff_error_status(d->code) != 500);
    d->used += (size_t)(p - own);
    if (d->code == FF_CHUNK_END) {
        const char *after = p; /* what follows is another request: it is let alone */

        MUST(ff_chunked_next(c, &after, own + n, &run, &len) == FF_CHUNK_END && after == p);
    }
    free(own);
    return d->code == FF_NEED_DATA;
}

static void
decode(const char *p, size_t n, size_t piece, size_t first, const ff_limits *limits,
       uint64_t max_body, decoded *d)
{
    ff_chunked c;
    size_t at = first;

    ff_chunked_init(&c, limits, max_body);
    d->used = d->len = 0;
    if (!feed(&c, p, first, d))
        return;
    while (at < n) {
        size_t next = n - at < piece ? n - at : piece;

        if (!feed(&c, p + at, next, d))
            return;
        at += next;
    }
}

static void
check_same(const decoded *a, const decoded *b)
{
    MUST(a->code == b->code && a->used == b->used && a->len == b->len);
    MUST(memcmp(a->body, b->body, a->len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static decoded whole, bytewise, in_two;
    const char *p = (const char *)data + 4;
    size_t n = size - 4;
    uint64_t max_body;
    ff_limits limits = {0, 0, 0, 0, 0};

    if (size < 4 || n > sizeof whole.body)
        return 0;
    max_body = data[0];
    limits.fields = data[1] & 7;
    limits.field_size = data[1] >> 3;
    limits.head = data[2];
    decode(p, n, n, 0, &limits, max_body, &whole);
    decode(p, n, 1, 0, &limits, max_body, &bytewise);
    decode(p, n, n, data[3] < n ? data[3] : n / 2, &limits, max_body, &in_two);
    check_same(&whole, &bytewise);
    check_same(&whole, &in_two);
    MUST(max_body == 0 || whole.len <= max_body);
    return 0;
}
