/* fuzz_head.c -- libFuzzer target for ff_scan_head(), ff_frame() and what they stand on: parse
 * it or refuse it.
 *
 * The first five bytes choose limits and options, the rest is the input.  What must hold: spans
 * lie inside the head, in order and within the limits; no prefix says anything but "need data"
 * or what the whole says; lanes and plain code agree; what is framed as a body has one length;
 * values, paths and hosts are what their rules say. */
#include "http1/framing.h"
#include "fuzz.h"
#include "plain_scan.h"
#include "http1/target.h"

#define FRONT    5
#define CAPACITY 64
#define MAX_BODY 100000

static int
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int
is_digit_string(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] < '0' || p[i] > '9')
            return 0;
    return n > 0;
}

static void
check_span(ff_span s, size_t from, size_t to)
{
    MUST(s.at >= from && s.at <= to && s.len <= to - s.at);
}

/* The value on one line: no control character, no white space around it. */
static void
check_value(const char *value, const ff_field *f)
{
    char *one_line = malloc(f->value.len + 1u);
    size_t n = ff_unfold(one_line, value, f->value.len);
    uint8_t obs = 0, plain_obs = 0;

    MUST(n <= f->value.len && (f->has_fold || n == f->value.len));
    MUST(ff_value_span(one_line, one_line + n, &obs) == n);
    MUST(plain_value_span(one_line, one_line + n, &plain_obs) == n);
    MUST(obs == f->has_obs_text && plain_obs == obs);
    MUST(n == 0 || (!is_blank(one_line[0]) && !is_blank(one_line[n - 1])));
    free(one_line);
}

/* Field i of a head of `used` bytes, after the byte at `from`.  Returns where it ends. */
static size_t
check_field(const char *p, size_t used, const ff_head *h, uint32_t i, size_t from,
            const ff_limits *limits)
{
    const ff_field *f = &h->fields[i];
    size_t colon = f->name.at + f->name.len;
    size_t next = i + 1 < h->nfields ? h->fields[i + 1].name.at : used - 2;

    check_span(f->name, from, used);
    MUST(f->name.len > 0 && ff_token_span(p + f->name.at, p + used) == f->name.len);
    MUST(f->has_space == is_blank(p[colon]));
    MUST(!f->has_space || limits->options & FF_STRIP_SPACES);
    while (is_blank(p[colon]))
        colon++;
    MUST(p[colon] == ':');
    check_span(f->value, colon + 1, used - 2);
    MUST(!f->has_fold || limits->options & FF_PERMIT_FOLDING);
    MUST(f->has_fold || memchr(p + f->value.at, '\n', f->value.len) == NULL);
    check_value(p + f->value.at, f);
    MUST(p[next - 1] == '\n' && p[next - 2] == '\r');
    MUST(!limits->field_size || next - f->name.at <= limits->field_size);
    MUST(ff_scan_field_line(p + f->name.at, used - f->name.at, limits->options) ==
         (ptrdiff_t)(next - f->name.at));
    return f->value.at + f->value.len;
}

static void
check_head(const char *p, size_t used, const ff_head *h, const ff_limits *limits)
{
    size_t at = h->start, end = h->target.at + h->target.len;

    MUST(used >= 4 && memcmp(p + used - 2, "\r\n", 2) == 0);
    check_span(h->method, at, used);
    check_span(h->target, h->method.at + h->method.len + 1, used);
    MUST(h->target.len > 0);
    for (size_t i = at = h->target.at; i < end; i++)
        at += (unsigned char)p[i] >= 0x80;
    MUST(h->target_has_obs == (at > h->target.at));
    check_span(h->path, h->target.at, end);
    check_span(h->query, h->path.at + h->path.len, end);
    check_span(h->authority, h->target.at, end);
    MUST(h->form <= FF_ASTERISK_FORM && h->minor <= 9);
    MUST(h->path.len > 0 || h->form == FF_ABSOLUTE_FORM);
    MUST((h->authority.len > 0) == (h->form == FF_ABSOLUTE_FORM));
    MUST(!h->is_lenient || limits->options);
    MUST(!limits->line || end + sizeof " HTTP/1.1" - 1 - h->start <= limits->line);
    MUST(!limits->fields || h->nfields <= limits->fields);
    MUST(!limits->head || used <= limits->head);
    at = end;
    for (uint32_t i = 0; i < h->nfields; i++)
        at = check_field(p, used, h, i, at, limits);
}

/* ff_unquote() beside the plainest way to say it. */
static void
check_path(const char *p, size_t n)
{
    char *path = malloc(n + 1), *again = malloc(n + 1);
    uint8_t obs = 0;
    size_t size = ff_unquote(path, p, n, &obs), i = 0, at = 0;
    int high = 0;

    while (i < n) {
        unsigned byte = (unsigned char)p[i++];

        if (byte == '%' && n - i >= 2 && ff_hex((unsigned char)p[i]) >= 0 &&
            ff_hex((unsigned char)p[i + 1]) >= 0) {
            byte = (unsigned)(ff_hex((unsigned char)p[i]) * 16 + ff_hex((unsigned char)p[i + 1]));
            i += 2;
        }
        again[at++] = (char)byte;
        high |= byte >= 0x80;
    }
    MUST(size == at && memcmp(path, again, at) == 0);
    MUST(obs == high);
    MUST(memchr(path, '\0', size) == NULL);
    free(path);
    free(again);
}

/* Whoever reads this as a host finds no other one in it. */
static void
check_host(const char *p, size_t n)
{
    MUST(ff_valid_host(p, n, 1));
    for (size_t i = 0; i < n; i++)
        MUST(p[i] > ' ' && p[i] < 0x7f && strchr("/?#@\\\"<>^`{|}", p[i]) == NULL);
}

static void
check_framing(const char *p, const ff_head *h)
{
    ff_framing f;
    unsigned count[FF_PROXY + 1] = {0};
    int rc = ff_frame(p, h, MAX_BODY, &f);

    if (rc != 0) {
        MUST(ff_error_status(rc) != 500 && ff_is_head_error(rc));
        return;
    }
    for (uint32_t i = 0; i < h->nfields; i++) {
        const ff_field *field = &h->fields[i];
        const char *value = p + field->value.at;

        count[field->id]++;
        if (field->id == FF_HOST)
            check_host(value, field->value.len);
        if (field->id == FF_CONTENT_LENGTH) {
            MUST(is_digit_string(value, field->value.len));
            MUST(f.content_length == strtoll(value, NULL, 10));
        }
        MUST(field->id == FF_OTHER || field->id == FF_COOKIE || field->id == FF_CONTENT_TYPE ||
             !field->has_fold);
    }
    MUST(count[FF_CONTENT_LENGTH] <= 1 && count[FF_CONTENT_TYPE] <= 1 && count[FF_HOST] <= 1);
    MUST(h->minor == 0 || count[FF_HOST] == 1);
    MUST(f.chunked == (count[FF_TRANSFER_ENCODING] > 0));
    MUST((f.content_length == -1) == (count[FF_CONTENT_LENGTH] == 0));
    MUST(f.content_length <= MAX_BODY);
    MUST(!f.chunked || (f.content_length == -1 && h->minor > 0));
    MUST(!f.expect_continue || (h->minor > 0 && (f.chunked || f.content_length > 0)));
    MUST(!f.expect_continue || count[FF_EXPECT]);
    MUST(h->minor > 0 || !f.keep_alive || count[FF_CONNECTION]);
}

static void
check_same(const ff_head *a, const ff_head *b)
{
    MUST(a->nfields == b->nfields && a->start == b->start && a->minor == b->minor);
    MUST(a->target.at == b->target.at && a->target.len == b->target.len);
    MUST(a->target_has_obs == b->target_has_obs);
    for (uint32_t i = 0; i < a->nfields; i++) {
        const ff_field *f = &a->fields[i], *g = &b->fields[i];

        MUST(f->name.at == g->name.at && f->name.len == g->name.len && f->id == g->id);
        MUST(f->value.at == g->value.at && f->value.len == g->value.len);
        MUST(f->has_obs_text == g->has_obs_text && f->has_fold == g->has_fold);
        MUST(f->has_underscore == g->has_underscore && f->has_space == g->has_space);
    }
}

static ptrdiff_t
scan(const char *p, size_t n, const ff_limits *limits, int look)
{
    ff_field fields[CAPACITY], plain_fields[CAPACITY];
    ff_head h = {.fields = fields, .capacity = CAPACITY};
    ff_head plain = {.fields = plain_fields, .capacity = CAPACITY};
    char *own = exact_copy(p, n);
    ptrdiff_t rc = ff_scan_head(own, n, limits, &h);

    MUST(rc == plain_scan_head(own, n, limits, &plain));
    MUST(rc != 0 && rc <= (ptrdiff_t)n);
    MUST(rc > 0 || rc == FF_NEED_DATA || rc == FF_NEED_FIELDS || ff_error_status(rc) != 500);
    if (rc > 0 && look) {
        check_same(&h, &plain);
        check_head(own, (size_t)rc, &h, limits);
        check_path(own + h.path.at, h.path.len);
        check_host(own + h.authority.at, h.authority.len);
        check_framing(own, &h);
    }
    free(own);
    return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data + FRONT;
    size_t n = size - FRONT, step;
    ff_limits limits;
    ptrdiff_t whole;
    int decided = 0;

    if (size < FRONT)
        return 0;
    limits.line = data[0] * 2u;
    limits.fields = data[1] % CAPACITY;
    limits.field_size = data[2];
    limits.head = data[3] * 4u;
    limits.options = data[4] & 63;
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
