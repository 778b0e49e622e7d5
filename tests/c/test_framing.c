/* test_framing.c -- what a complete head means: body, Host, Expect, Connection (RFC 9112
 * sections 3.2, 6 and 9.3, RFC 9110 sections 7.8, 8.6 and 10.1.1). */
#include "http1/framing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heads.h"

typedef struct {
    const char *name;
    const char *lines; /* the field lines */
    size_t n;
    int code;         /* 0: accepted */
    const char *want; /* accepted only: what show_framing() says */
} framing_case;

#define REFUSE(name, lines, code)                                                                  \
    {                                                                                              \
        name, lines, sizeof(lines) - 1, code, NULL                                                 \
    }
#define ACCEPT(name, lines, want)                                                                  \
    {                                                                                              \
        name, lines, sizeof(lines) - 1, 0, want                                                    \
    }
#define CL(value)         "Content-Length: " value "\r\n"
#define TE(value)         "Transfer-Encoding: " value "\r\n"
#define CONNECTION(value) "Connection: " value "\r\n"
#define EXPECT(value)     "Expect: " value "\r\n"
#define TYPE              "Content-Type: a/b\r\n"
#define ZEROS             "0000000000000000000000"

/* For HTTP/1.1, with a Host field in front. */
static const framing_case LENGTHS[] = {
    ACCEPT("no body", "", "none keep"),
    ACCEPT("zero", CL("0"), "0 keep"),
    ACCEPT("a length", CL("42"), "42 keep"),
    ACCEPT("leading zeros", CL("0042"), "42 keep"),
    ACCEPT("18 digits", CL("999999999999999999"), "999999999999999999 keep"),
    ACCEPT("40 characters", CL(ZEROS "123456789012345678"), "123456789012345678 keep"),
    ACCEPT("only zeros", CL(ZEROS), "0 keep"),
    REFUSE("19 digits", CL("1000000000000000000"), FF_BAD_LENGTH),
    REFUSE("2**64 + 1", CL("18446744073709551617"), FF_BAD_LENGTH),
    REFUSE("41 characters", CL(ZEROS "0123456789012345678"), FF_BAD_LENGTH),
    REFUSE("empty", CL(""), FF_BAD_LENGTH),
    REFUSE("a plus sign", CL("+1"), FF_BAD_LENGTH),
    REFUSE("a minus sign", CL("-1"), FF_BAD_LENGTH),
    REFUSE("hexadecimal", CL("0x1"), FF_BAD_LENGTH),
    REFUSE("a hexadecimal digit", CL("1a"), FF_BAD_LENGTH),
    REFUSE("an underscore", CL("1_0"), FF_BAD_LENGTH),
    REFUSE("a dot", CL("1.0"), FF_BAD_LENGTH),
    REFUSE("the byte below the digits", CL("1/"), FF_BAD_LENGTH),
    REFUSE("the byte above the digits", CL("1:"), FF_BAD_LENGTH),
    REFUSE("a space inside", CL("1 0"), FF_BAD_LENGTH),
    REFUSE("a list", CL("1, 1"), FF_BAD_LENGTH),
    REFUSE("a comma behind it", CL("1,"), FF_BAD_LENGTH),
    REFUSE("Arabic digits", CL("\xd9\xa1"), FF_BAD_LENGTH),
    REFUSE("a no-break space", CL("1\xa0"), FF_BAD_LENGTH),
    REFUSE("repeated and equal", CL("1") CL("1"), FF_BAD_LENGTH),
    REFUSE("repeated and different", CL("1") CL("2"), FF_BAD_LENGTH),
    REFUSE("repeated, the first one bad", CL("x") CL("1"), FF_BAD_LENGTH),
};

static const framing_case CODINGS[] = {
    ACCEPT("chunked", TE("chunked"), "chunked keep"),
    ACCEPT("any case", TE("cHUNKED"), "chunked keep"),
    REFUSE("with a length", TE("chunked") CL("1"), FF_TE_AND_LENGTH),
    REFUSE("with a length in front", CL("1") TE("chunked"), FF_TE_AND_LENGTH),
    REFUSE("with a length that is none", TE("chunked") CL("x"), FF_TE_AND_LENGTH),
    REFUSE("with an odd coding and a length", TE("x") CL("1"), FF_TE_AND_LENGTH),
    REFUSE("empty", TE(""), FF_BAD_TE),
    REFUSE("twice in one field", TE("chunked, chunked"), FF_BAD_TE),
    REFUSE("twice in two fields", TE("chunked") TE("chunked"), FF_BAD_TE),
    REFUSE("chunked, then identity", TE("chunked, identity"), FF_BAD_TE),
    REFUSE("chunked, then gzip", TE("chunked, gzip"), FF_BAD_TE),
    REFUSE("chunked, then gzip in a second field", TE("chunked") TE("gzip"), FF_BAD_TE),
    REFUSE("identity", TE("identity"), FF_BAD_TE),
    REFUSE("identity, then chunked", TE("identity, chunked"), FF_BAD_TE),
    REFUSE("gzip alone", TE("gzip"), FF_BAD_TE),
    REFUSE("an unknown coding", TE("xchunked"), FF_BAD_TE),
    REFUSE("a longer word", TE("chunkedd"), FF_BAD_TE),
    REFUSE("a shorter word", TE("chunke"), FF_BAD_TE),
    REFUSE("a word of the same length", TE("chunkee"), FF_BAD_TE),
    REFUSE("a parameter", TE("chunked;q=1"), FF_BAD_TE),
    REFUSE("quoted", TE("\"chunked\""), FF_BAD_TE),
    REFUSE("an empty member in front", TE(", chunked"), FF_BAD_TE),
    REFUSE("an empty member behind", TE("chunked,"), FF_BAD_TE),
    REFUSE("an empty field in front", TE("") TE("chunked"), FF_BAD_TE),
    REFUSE("a no-break space behind", TE("chunked\xa0"), FF_BAD_TE),
    REFUSE("a Kelvin sign in place of k",
           TE("chun\xe2\x84\xaa"
              "ed"),
           FF_BAD_TE),
    ACCEPT("white space around it", TE(" \t chunked  "), "chunked keep"),
    ACCEPT("a tab behind", TE("chunked\t"), "chunked tab keep"),
    ACCEPT("a tab behind a space", TE("chunked \t"), "chunked tab keep"),
    ACCEPT("a tab behind, then a space", TE("chunked\t "), "chunked tab keep"),
    REFUSE("a tab inside", TE("chun\tked"), FF_BAD_TE),
    REFUSE("a tab alone", TE("\t"), FF_BAD_TE),
    REFUSE("two words", TE("chunked chunked"), FF_BAD_TE),
    REFUSE("gzip, then chunked", TE("gzip, chunked"), FF_TE_NOT_SUPPORTED),
    REFUSE("gzip, then chunked in two fields", TE("gzip") TE("chunked"), FF_TE_NOT_SUPPORTED),
    REFUSE("deflate", TE("deflate,chunked"), FF_TE_NOT_SUPPORTED),
    REFUSE("compress", TE("COMPRESS \t,\tchunked"), FF_TE_NOT_SUPPORTED),
    REFUSE("x-gzip", TE("x-gzip, chunked"), FF_TE_NOT_SUPPORTED),
    REFUSE("x-compress", TE("x-compress, chunked"), FF_TE_NOT_SUPPORTED),
    REFUSE("a known and an unknown one", TE("gzip, x, chunked"), FF_BAD_TE),
};

static const framing_case OTHERS[] = {
    REFUSE("a second Host", "Host: a\r\n", FF_HOST_REPEATED),
    REFUSE("a second Host that is bad", "Host: a b\r\n", FF_HOST_REPEATED),
    ACCEPT("one Content-Type", TYPE, "none keep"),
    REFUSE("a second Content-Type", TYPE TYPE, FF_CONTENT_TYPE_REPEATED),
    ACCEPT("Connection: close", CONNECTION("close"), "none"),
    ACCEPT("close in any case", CONNECTION("CLOSE"), "none"),
    ACCEPT("close in a list", CONNECTION("te , \tclose\t, x"), "none"),
    ACCEPT("close at the end", CONNECTION("keep-alive,close"), "none"),
    ACCEPT("close in a second field", CONNECTION("keep-alive") CONNECTION("close"), "none"),
    ACCEPT("close in the first field", CONNECTION("close") CONNECTION("keep-alive"), "none"),
    ACCEPT("a word like close", CONNECTION("closed, xclose, clos"), "none keep"),
    ACCEPT("an empty Connection", CONNECTION(""), "none keep"),
    ACCEPT("empty options", CONNECTION(",,"), "none keep"),
    ACCEPT("keep-alive", CONNECTION("keep-alive"), "none keep"),
    ACCEPT("Upgrade", "Upgrade: h2c\r\n", "none keep upgrade"),
    ACCEPT("the upgrade option", CONNECTION("Upgrade"), "none keep upgrade"),
    ACCEPT("Upgrade with a body", "Upgrade: h2c\r\n" CL("3"), "3 keep upgrade"),
    ACCEPT("framing fields named in Connection", CONNECTION("content-length") CL("3"), "3 keep"),
    ACCEPT("Expect with a length", EXPECT("100-continue") CL("3"), "3 keep expect"),
    ACCEPT("Expect in any case", EXPECT("100-Continue") CL("3"), "3 keep expect"),
    ACCEPT("Expect with chunks", EXPECT("100-continue") TE("chunked"), "chunked keep expect"),
    ACCEPT("Expect without a body", EXPECT("100-continue"), "none keep"),
    ACCEPT("Expect with an empty body", EXPECT("100-continue") CL("0"), "0 keep"),
    REFUSE("another expectation", EXPECT("200-ok") CL("3"), FF_BAD_EXPECT),
    REFUSE("an expectation with a parameter", EXPECT("100-continue;a"), FF_BAD_EXPECT),
    REFUSE("another one beside 100-continue", EXPECT("100-continue, x"), FF_BAD_EXPECT),
    REFUSE("another one in a second field", EXPECT("100-continue") EXPECT("x"), FF_BAD_EXPECT),
    REFUSE("an empty expectation", EXPECT(""), FF_BAD_EXPECT),
    REFUSE("bad framing comes before the expectation", EXPECT("x") CL("x"), FF_BAD_LENGTH),
    ACCEPT("the most body", CL("1000000000000"), "1000000000000 keep"),
    ACCEPT("names that only look alike", "Content_Length: 3\r\nTransfer_Encoding: chunked\r\n",
           "none keep"),
};

/* For HTTP/1.0, without a Host field. */
static const framing_case OLD[] = {
    ACCEPT("no Host", "", "none"),
    ACCEPT("a Host", "Host: a\r\n", "none"),
    REFUSE("a bad Host", "Host: a b\r\n", FF_BAD_HOST),
    REFUSE("two Hosts", "Host: a\r\nHost: a\r\n", FF_HOST_REPEATED),
    ACCEPT("keep-alive", CONNECTION("Keep-Alive"), "none keep"),
    ACCEPT("keep-alive in a list", CONNECTION("x, keep-alive"), "none keep"),
    ACCEPT("keep-alive and close", CONNECTION("keep-alive, close"), "none"),
    ACCEPT("a length", CL("3"), "3"),
    REFUSE("Transfer-Encoding", TE("chunked"), FF_TE_ON_HTTP_1_0),
    REFUSE("Transfer-Encoding and a length", TE("chunked") CL("3"), FF_TE_ON_HTTP_1_0),
    REFUSE("an odd Transfer-Encoding", TE("x"), FF_TE_ON_HTTP_1_0),
    ACCEPT("Expect is ignored", EXPECT("100-continue") CL("3"), "3"),
    ACCEPT("another expectation is ignored", EXPECT("x") CL("3"), "3"),
};

/* For HTTP/1.1, without a Host field in front. */
static const framing_case HOSTLESS[] = {
    REFUSE("no Host", "", FF_HOST_MISSING),
    REFUSE("no Host, but a name like it", "Hosts: a\r\n", FF_HOST_MISSING),
    ACCEPT("an empty Host", "Host:\r\n", "none keep"),
    ACCEPT("a Host with a port", "Host: a:80\r\n", "none keep"),
    REFUSE("a Host with a space", "Host: a b\r\n", FF_BAD_HOST),
    REFUSE("a list of Hosts", "Host: a/b\r\n", FF_BAD_HOST),
    REFUSE("a Host with userinfo", "Host: u@a\r\n", FF_BAD_HOST),
};

static int
frame(const char *base, size_t n, int64_t max_body, ff_framing *out)
{
    ff_field fields[MAX_FIELDS];
    ff_head h = {.fields = fields, .capacity = MAX_FIELDS};
    ptrdiff_t used = ff_scan_head(base, n, &DEFAULT_LIMITS, &h);

    return used < 0 ? (int)used : ff_frame(base, &h, max_body, out);
}

static const char *
show_framing(const ff_framing *f)
{
    static char text[80];
    char length[32] = "none";

    if (f->chunked)
        strcpy(length, f->content_length == -1 ? "chunked" : "chunked and a length");
    else if (f->content_length != -1)
        snprintf(length, sizeof length, "%lld", (long long)f->content_length);
    snprintf(text, sizeof text, "%s%s%s%s%s", length, f->te_has_tab ? " tab" : "",
             f->keep_alive ? " keep" : "", f->expect_continue ? " expect" : "", f->upgrade ? " upgrade" : "");
    return text;
}

static void
run_cases(const char *group, const char *start, const framing_case *cases, size_t n)
{
    static char text[4096];

    for (size_t i = 0; i < n; i++) {
        const framing_case *c = &cases[i];
        size_t size = strlen(start);

        memcpy(text, start, size);
        memcpy(text + size, c->lines, c->n);
        memcpy(text + size + c->n, "\r\n", 2);
        size += c->n + 2;
        for (int behind = 0; behind < 2; behind++) {
            const char *p = behind ? after_guard(text, size) : before_guard(text, size);
            ff_framing f;
            int rc = frame(p, size, 0, &f);

            if (check(rc == c->code, group, c->name, "%s, not %s", verdict(rc), verdict(c->code)) &&
                rc == 0)
                check(strcmp(show_framing(&f), c->want) == 0, group, c->name, "%s, not %s",
                      show_framing(&f), c->want);
        }
    }
}

static void
test_max_body(void)
{
    static const struct {
        const char *name;
        const char *length;
        int64_t max;
        int want;
    } cases[] = {
        {"as large as allowed", CL("10"), 10, 0},
        {"one byte too large", CL("11"), 10, FF_BODY_TOO_LARGE},
        {"no limit", CL("999999999999999999"), 0, 0},
        {"larger than 32 bits say", CL("4294967297"), 10, FF_BODY_TOO_LARGE},
        {"the largest", CL("999999999999999999"), 1 << 30, FF_BODY_TOO_LARGE},
        {"too large and an expectation", CL("11") EXPECT("x"), 10, FF_BODY_TOO_LARGE},
        {"too large and expected", CL("11") EXPECT("100-continue"), 10, FF_BODY_TOO_LARGE},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        int n = snprintf(text, sizeof text, "PUT / HTTP/1.1\r\nHost: a\r\n%s\r\n", cases[i].length);
        ff_framing f;
        int rc = frame(before_guard(text, (size_t)n), (size_t)n, cases[i].max, &f);

        check(rc == cases[i].want, "limit_request_body", cases[i].name, "%s", verdict(rc));
    }
}

void
test_framing(void)
{
    static const char MODERN[] = "POST / HTTP/1.1\r\nHost: a\r\n";

    run_cases("Content-Length", MODERN, LENGTHS, sizeof LENGTHS / sizeof *LENGTHS);
    run_cases("Transfer-Encoding", MODERN, CODINGS, sizeof CODINGS / sizeof *CODINGS);
    run_cases("fields that decide", MODERN, OTHERS, sizeof OTHERS / sizeof *OTHERS);
    run_cases("HTTP/1.0", "POST / HTTP/1.0\r\n", OLD, sizeof OLD / sizeof *OLD);
    run_cases("Host", "GET / HTTP/1.1\r\n", HOSTLESS, sizeof HOSTLESS / sizeof *HOSTLESS);
    run_cases("HTTP/1.9 is 1.1", "GET / HTTP/1.9\r\n", HOSTLESS,
              sizeof HOSTLESS / sizeof *HOSTLESS);
    test_max_body();
}
