/* test_limits.c -- every limit of a head: the last size that passes, the first that does
 * not, and 0 for none. */
#include <stdlib.h>
#include <string.h>

#include "heads.h"

static const ff_limits NONE = {0, 0, 0, 0, 0};

typedef struct {
    const char *name;
    ff_limits limits;
    head_case c;
} limit_case;

#define LIMIT(title, line, fields, size, head, ...)                                                \
    {                                                                                              \
        title, {line, fields, size, head, 0}, __VA_ARGS__                                             \
    }
#define L14 "GET / HTTP/1.1\r\n" /* 14 bytes and CRLF */

static const limit_case CASES[] = {
    LIMIT("line", 14, 0, 0, 0, ACCEPTED("just short enough", L14 "\r\n", "GET / path=/ 1.1 ")),
    LIMIT("line", 13, 0, 0, 0, REFUSED("one byte too long", L14 "\r\n", FF_LINE_TOO_LONG)),
    LIMIT("line", 12, 0, 0, 0, REFUSED("two bytes too long", L14 "\r\n", FF_LINE_TOO_LONG)),
    LIMIT("line", 11, 0, 0, 0, REFUSED("three bytes too long", L14 "\r\n", FF_LINE_TOO_LONG)),
    LIMIT("line", 14, 0, 0, 0,
          ACCEPTED("empty lines do not count", "\r\n\r\n" L14 "\r\n", "GET / path=/ start=4 1.1 ")),
    LIMIT("line", 13, 0, 0, 0,
          REFUSED("a target without end", "GET /aaaaaaaaaaaaaaaaaaaaaaa", FF_LINE_TOO_LONG)),
    LIMIT("line", 13, 0, 0, 0,
          REFUSED("a target that may still end", "GET /aaaaaaaaaa", FF_NEED_DATA)),
    LIMIT("line", 5, 0, 0, 0, REFUSED("a method without end", "AAAAAAAAAAAAA", FF_LINE_TOO_LONG)),
    LIMIT("line", 14, 0, 0, 0,
          REFUSED("the wrong version at the limit", "GET / HTTP/2.0\r\n\r\n",
                  FF_VERSION_NOT_SUPPORTED)),
    LIMIT("line", 13, 0, 0, 0,
          REFUSED("the wrong version over the limit", "GET / HTTP/2.0\r\n\r\n", FF_LINE_TOO_LONG)),
    LIMIT("line", 14, 0, 0, 0,
          REFUSED("an offence within the limit comes first", "GET /\x7f aaaaaaaaaaaaaaaaaaaaaaa",
                  FF_BAD_TARGET)),
    LIMIT(
        "fields", 0, 2, 0, 0,
        ACCEPTED("as many as allowed", L14 "A: 1\r\nB: 2\r\n\r\n", "GET / path=/ 1.1 {A=1}{B=2}")),
    LIMIT("fields", 0, 2, 0, 0,
          REFUSED("one too many", L14 "A: 1\r\nB: 2\r\nC: 3\r\n\r\n", FF_TOO_MANY_FIELDS)),
    LIMIT("fields", 0, 2, 0, 0,
          REFUSED("one too many, at its first byte", L14 "A: 1\r\nB: 2\r\nC", FF_TOO_MANY_FIELDS)),
    LIMIT("fields", 0, 1, 0, 0,
          REFUSED("a fold comes first", L14 "A: 1\r\n b\r\n\r\n", FF_OBS_FOLD)),
    LIMIT("field size", 0, 0, 6, 0,
          ACCEPTED("just short enough", L14 "A: b\r\n\r\n", "GET / path=/ 1.1 {A=b}")),
    LIMIT("field size", 0, 0, 6, 0,
          ACCEPTED("two of them", L14 "A: b\r\nC: d\r\n\r\n", "GET / path=/ 1.1 {A=b}{C=d}")),
    LIMIT("field size", 0, 0, 5, 0,
          REFUSED("one byte too long", L14 "A: b\r\n\r\n", FF_FIELD_TOO_LONG)),
    LIMIT("field size", 0, 0, 4, 0,
          REFUSED("two bytes too long", L14 "A: b\r\n\r\n", FF_FIELD_TOO_LONG)),
    LIMIT("field size", 0, 0, 6, 0,
          REFUSED("the second one too long", L14 "A: b\r\nC: de\r\n\r\n", FF_FIELD_TOO_LONG)),
    LIMIT("field size", 0, 0, 6, 0,
          REFUSED("a name without end", L14 "AAAAAAAAAAAAAA", FF_FIELD_TOO_LONG)),
    LIMIT("field size", 0, 0, 6, 0,
          REFUSED("white space counts", L14 "A:     \r\n\r\n", FF_FIELD_TOO_LONG)),
    LIMIT("field size", 0, 0, 6, 0,
          REFUSED("a value that may still end", L14 "A: bcd", FF_NEED_DATA)),
    LIMIT("head", 0, 0, 0, 24,
          ACCEPTED("just short enough", L14 "A: b\r\n\r\n", "GET / path=/ 1.1 {A=b}")),
    LIMIT("head", 0, 0, 0, 23, REFUSED("one byte too long", L14 "A: b\r\n\r\n", FF_HEAD_TOO_LONG)),
    LIMIT("head", 0, 0, 0, 22,
          REFUSED("no room for the empty line", L14 "A: b\r\n\r\n", FF_HEAD_TOO_LONG)),
    LIMIT("head", 0, 0, 0, 20,
          REFUSED("no room for the field", L14 "A: b\r\n\r\n", FF_HEAD_TOO_LONG)),
    LIMIT("head", 0, 0, 0, 10,
          REFUSED("no room for the line", L14 "A: b\r\n\r\n", FF_HEAD_TOO_LONG)),
    LIMIT("head", 0, 0, 0, 23,
          REFUSED("empty lines count", "\r\n" L14 "A: b\r\n\r\n", FF_HEAD_TOO_LONG)),
    LIMIT("head", 0, 0, 6, 22,
          REFUSED("with a field limit too", L14 "A: b\r\nC: d\r\n\r\n", FF_HEAD_TOO_LONG)),
    LIMIT(
        "head", 0, 0, 6, 24,
        REFUSED("the field limit where it is nearer", L14 "A: bbbbbbb\r\n\r\n", FF_FIELD_TOO_LONG)),
};

/* `n` bytes of "GET /aaa... HTTP/1.1" without CRLF. */
static void
make_line(char *out, size_t n)
{
    memset(out, 'a', n);
    memcpy(out, "GET /", 5);
    memcpy(out + n - 9, " HTTP/1.1", 9);
}

static void
scan_long_line(const char *name, size_t n, const ff_limits *limits, ptrdiff_t want)
{
    static char text[40000];
    ff_head h = {.fields = NULL, .capacity = 0};
    ptrdiff_t rc;

    make_line(text, n);
    memcpy(text + n, "\r\n\r\n", 4);
    rc = ff_scan_head(before_guard(text, n + 4), n + 4, limits, &h);
    check(rc == want, "real sizes", name, "%s, not %s", verdict(rc), verdict(want));
}

static void
scan_many_fields(const char *name, size_t many, const ff_limits *limits, ptrdiff_t want)
{
    static char text[40000];
    static ff_field fields[5000];
    ff_head h = {.fields = fields, .capacity = 5000};
    size_t n = strlen(L14);
    ptrdiff_t rc;

    memcpy(text, L14, n);
    for (size_t i = 0; i < many; i++, n += 6)
        memcpy(text + n, "A: b\r\n", 6);
    memcpy(text + n, "\r\n", 2);
    n += 2;
    rc = ff_scan_head(before_guard(text, n), n, limits, &h);
    check(rc == (want ? want : (ptrdiff_t)n), "real sizes", name, "%s", verdict(rc));
}

void
test_limits(void)
{
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        run_head_case(CASES[i].name, &CASES[i].c, &CASES[i].limits);
    scan_long_line("a line of 8190 bytes", 8190, &DEFAULT_LIMITS, 8194);
    scan_long_line("a line of 8191 bytes", 8191, &DEFAULT_LIMITS, FF_LINE_TOO_LONG);
    scan_long_line("a line of 30000 bytes without a limit", 30000, &NONE, 30004);
    scan_many_fields("100 fields", 100, &DEFAULT_LIMITS, 0);
    scan_many_fields("101 fields", 101, &DEFAULT_LIMITS, FF_TOO_MANY_FIELDS);
    scan_many_fields("5000 fields without a limit", 5000, &NONE, 0);
}
