/* heads.c -- see heads.h. */
#include "heads.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const ff_limits DEFAULT_LIMITS = {.line = 8190, .fields = 100, .field_size = 8190, .head = 262144};

static const char *const ID_NAMES[] = {
    [FF_OTHER] = "",
    [FF_HOST] = "/host",
    [FF_CONTENT_LENGTH] = "/length",
    [FF_CONTENT_TYPE] = "/type",
    [FF_TRANSFER_ENCODING] = "/coding",
    [FF_CONNECTION] = "/connection",
    [FF_EXPECT] = "/expect",
    [FF_COOKIE] = "/cookie",
    [FF_UPGRADE] = "/upgrade",
    [FF_PROXY] = "/proxy",
};

static char shown[8192];
static size_t shown_len;

__attribute__((format(printf, 1, 2))) static void
show(const char *format, ...)
{
    va_list args;
    size_t room = sizeof shown - shown_len;
    int n;

    va_start(args, format);
    n = vsnprintf(shown + shown_len, room, format, args);
    va_end(args);
    if (n > 0)
        shown_len += (size_t)n < room ? (size_t)n : room - 1;
}

static void
show_field(const char *base, const ff_field *f)
{
    char *value = malloc(f->value.len + 1u);
    size_t n = f->value.len;

    if (f->has_fold)
        n = ff_unfold(value, base + f->value.at, n);
    else
        memcpy(value, base + f->value.at, n);
    show("{%.*s%s%s%s%s=%.*s}", (int)f->name.len, base + f->name.at, ID_NAMES[f->id],
         f->has_obs_text ? "/obs" : "", f->has_underscore ? "/underscore" : "",
         f->has_fold ? "/fold" : "", (int)n, value);
    free(value);
}

const char *
show_head(const char *base, const ff_head *h)
{
    shown_len = 0;
    show("%.*s %.*s path=%.*s", (int)h->method.len, base + h->method.at, (int)h->target.len,
         base + h->target.at, (int)h->path.len, base + h->path.at);
    if (h->query.len)
        show(" query=%.*s", (int)h->query.len, base + h->query.at);
    if (h->form == FF_ABSOLUTE_FORM || h->authority.len)
        show(" authority=%.*s", (int)h->authority.len, base + h->authority.at);
    if (h->form == FF_ASTERISK_FORM)
        show(" asterisk");
    if (h->path_has_percent)
        show(" percent");
    if (h->target_has_obs)
        show(" obs");
    if (h->start)
        show(" start=%u", h->start);
    show(" 1.%d%s ", h->minor, h->is_lenient ? "!" : "");
    for (uint32_t i = 0; i < h->nfields; i++)
        show_field(base, &h->fields[i]);
    return shown;
}

/* The verdict with room for exactly `capacity` fields, so that ASan sees one too many. */
static ptrdiff_t
scan_with(const char *p, size_t n, const ff_limits *limits, uint32_t capacity, ff_head *h)
{
    ff_field *fields = malloc(capacity * sizeof *fields + 1);
    ptrdiff_t rc;

    h->fields = fields;
    h->capacity = capacity;
    rc = ff_scan_head(p, n, limits, h);
    free(fields);
    h->fields = NULL;
    return rc;
}

/* No prefix may say anything but "need data" or what the whole says. */
static void
check_prefixes(const char *group, const head_case *c, const ff_limits *limits, ptrdiff_t want)
{
    int decided = 0;

    for (size_t n = 0; n <= c->n; n++) {
        ff_head h;
        ptrdiff_t rc = scan_with(before_guard(c->bytes, n), n, limits, MAX_FIELDS, &h);

        if (rc == FF_NEED_DATA && !decided && (want < 0 || n < (size_t)want))
            continue;
        decided = 1;
        if (rc != want) {
            check(0, group, c->name, "%s after %zu bytes, not %s", verdict(rc), n, verdict(want));
            return;
        }
    }
    check(1, group, c->name, "prefixes");
}

/* What comes behind the head, or behind the offence, changes nothing. */
static void
check_suffixes(const char *group, const head_case *c, const ff_limits *limits, ptrdiff_t want)
{
    static const char *const MORE[] = {"\n", "\r\n\r\n", " x", "GET / HTTP/1.1\r\n\r\n", "\xff"};
    char *longer = malloc(c->n + 32);

    memcpy(longer, c->bytes, c->n);
    for (size_t i = 0; i < sizeof MORE / sizeof *MORE; i++) {
        size_t n = c->n + strlen(MORE[i]);
        ff_head h;
        ptrdiff_t rc;

        memcpy(longer + c->n, MORE[i], strlen(MORE[i]));
        rc = scan_with(before_guard(longer, n), n, limits, MAX_FIELDS, &h);
        check(rc == want, group, c->name, "%s with %zu bytes behind it, not %s", verdict(rc),
              strlen(MORE[i]), verdict(want));
    }
    free(longer);
}

static void
check_capacity(const char *group, const head_case *c, const ff_limits *limits, uint32_t fields)
{
    ff_head h;
    ptrdiff_t rc;

    for (uint32_t capacity = 0; capacity < fields; capacity++) {
        rc = scan_with(before_guard(c->bytes, c->n), c->n, limits, capacity, &h);
        check(rc == FF_NEED_FIELDS, group, c->name, "%s with room for %u fields", verdict(rc),
              capacity);
    }
    rc = scan_with(before_guard(c->bytes, c->n), c->n, limits, fields, &h);
    check(rc == (ptrdiff_t)c->n, group, c->name, "%s with just enough room", verdict(rc));
}

void
run_head_case(const char *group, const head_case *c, const ff_limits *limits)
{
    ptrdiff_t want = c->code ? c->code : (ptrdiff_t)c->n, rc;
    const char *p = after_guard(c->bytes, c->n);
    ff_field fields[MAX_FIELDS];
    ff_head h = {.fields = fields, .capacity = MAX_FIELDS};

    rc = ff_scan_head(p, c->n, limits, &h);
    if (!check(rc == want, group, c->name, "%s, not %s", verdict(rc), verdict(want)))
        return;
    check_prefixes(group, c, limits, want);
    if (want == FF_NEED_DATA)
        return;
    check_suffixes(group, c, limits, want);
    if (want < 0)
        return;
    check(strcmp(show_head(p, &h), c->head) == 0, group, c->name, "read as\n  %s, not\n  %s", shown,
          c->head);
    check_capacity(group, c, limits, h.nfields);
}

void
run_head_cases(const char *group, const head_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        run_head_case(group, &cases[i], &DEFAULT_LIMITS);
}
