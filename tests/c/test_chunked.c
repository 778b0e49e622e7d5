/* test_chunked.c -- the chunked decoder (RFC 9112 section 7.1), fed whole, byte by byte and
 * in two pieces at every cut. */
#include "http1/chunked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heads.h"

typedef struct {
    const char *name;
    const char *bytes;
    size_t n;
    int code;         /* an error, FF_NEED_DATA, or FF_CHUNK_END */
    const char *body; /* what was decoded, up to the error */
} chunk_case;

#define REFUSE(name, bytes, code)                                                                  \
    {                                                                                              \
        name, bytes, sizeof(bytes) - 1, code, NULL                                                 \
    }
#define DECODE(name, bytes, body)                                                                  \
    {                                                                                              \
        name, bytes, sizeof(bytes) - 1, FF_CHUNK_END, body                                         \
    }
#define END           "0\r\n\r\n"
#define SIZE(line)    line "\r\na\r\n" END
#define TRAILER(line) "0\r\n" line "\r\n\r\n"
#define A64           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A253          A64 A64 A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A255          A253 "aa"

static const chunk_case SIZES[] = {
    DECODE("no chunk but the last", END, ""),
    DECODE("one chunk", "3\r\nabc\r\n" END, "abc"),
    DECODE("two chunks", "3\r\nabc\r\n1\r\nd\r\n" END, "abcd"),
    DECODE("hexadecimal, lower case", "a\r\n0123456789\r\n" END, "0123456789"),
    DECODE("hexadecimal, upper case", "A\r\n0123456789\r\n" END, "0123456789"),
    DECODE("two digits", "10\r\n0123456789abcdef\r\n" END, "0123456789abcdef"),
    DECODE("data that looks like framing", "7\r\n\r\n0\r\n\r\n\r\n" END, "\r\n0\r\n\r\n"),
    DECODE("leading zeros", SIZE("0001"), "a"),
    DECODE("40 digits", SIZE("0000000000000000000000000000000000000001"), "a"),
    REFUSE("41 digits", SIZE("00000000000000000000000000000000000000001"), FF_BAD_CHUNK_SIZE),
    DECODE("the last chunk with leading zeros", "000\r\n\r\n", ""),
    REFUSE("17 digits", "10000000000000000\r\n", FF_BAD_CHUNK_SIZE),
    REFUSE("17 digits behind zeros", "00010000000000000000\r\n", FF_BAD_CHUNK_SIZE),
    REFUSE("16 digits, more than 63 bits", "8000000000000000\r\n", FF_BODY_TOO_LARGE),
    REFUSE("16 digits, all of them", "ffffffffffffffff\r\n", FF_BODY_TOO_LARGE),
    REFUSE("no size", "\r\n", FF_BAD_CHUNK_SIZE),
    REFUSE("no size, LF", "\n", FF_BAD_CHUNK_SIZE),
    REFUSE("a plus sign", SIZE("+1"), FF_BAD_CHUNK_SIZE),
    REFUSE("a minus sign", SIZE("-1"), FF_BAD_CHUNK_SIZE),
    REFUSE("a prefix 0x", SIZE("0x1"), FF_BAD_CHUNK_SIZE),
    REFUSE("an underscore", SIZE("1_1"), FF_BAD_CHUNK_SIZE),
    REFUSE("a space in front", SIZE(" 1"), FF_BAD_CHUNK_SIZE),
    REFUSE("a space behind", SIZE("1 "), FF_BAD_CHUNK_EXT),
    REFUSE("a tab behind", SIZE("1\t"), FF_BAD_CHUNK_EXT),
    REFUSE("the letter g", SIZE("g"), FF_BAD_CHUNK_SIZE),
    REFUSE("a full-width digit", SIZE("\xef\xbc\x91"), FF_BAD_CHUNK_SIZE),
    REFUSE("a NUL", SIZE("1\0"), FF_BAD_CHUNK_SIZE),
    REFUSE("an extension without a size", SIZE(";a"), FF_BAD_CHUNK_SIZE),
    REFUSE("a bare LF behind the size", "1\na\r\n" END, FF_BARE_LF),
    REFUSE("a bare CR behind the size", "1\ra\r\n" END, FF_BARE_CR),
    REFUSE("CR CR LF behind the size", "1\r\r\na\r\n" END, FF_BARE_CR),
    REFUSE("a bare LF behind the data", "1\r\na\n" END, FF_BAD_CHUNK_END),
    REFUSE("a bare CR behind the data", "1\r\na\r" END, FF_BAD_CHUNK_END),
    REFUSE("another byte in place of CR", "1\r\naX\n" END, FF_BAD_CHUNK_END),
    REFUSE("nothing behind the data", "1\r\na" END, FF_BAD_CHUNK_END),
    REFUSE("one byte of data too many", "1\r\nab\r\n" END, FF_BAD_CHUNK_END),
    REFUSE("one byte of data too few", "3\r\nab\r\n" END, FF_BAD_CHUNK_END),
    REFUSE("an empty line between chunks", "1\r\na\r\n\r\n" END, FF_BAD_CHUNK_SIZE),
    {"nothing yet", BYTES(""), FF_NEED_DATA, ""},
    {"a size without end", BYTES("1"), FF_NEED_DATA, ""},
    {"half of the data", BYTES("4\r\nab"), FF_NEED_DATA, "ab"},
    {"no last chunk", BYTES("1\r\na\r\n"), FF_NEED_DATA, "a"},
    {"no empty line at the end", BYTES("1\r\na\r\n0\r\n"), FF_NEED_DATA, "a"},
    {"half of the last line end", BYTES("0\r\n\r"), FF_NEED_DATA, ""},
};

static const chunk_case EXTENSIONS[] = {
    DECODE("a name", SIZE("1;a"), "a"),
    DECODE("a value", SIZE("1;a=b"), "a"),
    DECODE("two of them", SIZE("1;a=b;c"), "a"),
    DECODE("a quoted value", SIZE("1;a=\"b c\""), "a"),
    DECODE("an empty quoted value", SIZE("1;a=\"\""), "a"),
    DECODE("a semicolon in quotes", SIZE("1;a=\"b;c\";d"), "a"),
    DECODE("an escaped quote", SIZE("1;a=\"b\\\"c\""), "a"),
    DECODE("an escaped backslash", SIZE("1;a=\"b\\\\\""), "a"),
    DECODE("tab and obs-text in quotes", SIZE("1;a=\"\t\x80\xff\""), "a"),
    DECODE("behind the last chunk", "0;a=b\r\n\r\n", ""),
    DECODE("256 bytes", SIZE("1;" A255), "a"),
    REFUSE("257 bytes", SIZE("1;" A255 "a"), FF_BAD_CHUNK_EXT),
    DECODE("256 bytes in each of two lines", "1;" A255 "\r\na\r\n0;" A255 "\r\n\r\n", "a"),
    REFUSE("an empty name", SIZE("1;"), FF_BAD_CHUNK_EXT),
    REFUSE("an empty name between two", SIZE("1;a;;b"), FF_BAD_CHUNK_EXT),
    REFUSE("a value without a name", SIZE("1;=b"), FF_BAD_CHUNK_EXT),
    REFUSE("an empty value", SIZE("1;a="), FF_BAD_CHUNK_EXT),
    REFUSE("an empty value between two", SIZE("1;a=;b"), FF_BAD_CHUNK_EXT),
    REFUSE("two equal signs", SIZE("1;a==b"), FF_BAD_CHUNK_EXT),
    REFUSE("a value and another", SIZE("1;a=b=c"), FF_BAD_CHUNK_EXT),
    DECODE("a space before the semicolon", SIZE("1 ;a"), "a"),
    DECODE("tabs and spaces before the semicolon", SIZE("1\t \t;a"), "a"),
    DECODE("a space before the name", SIZE("1; a"), "a"),
    DECODE("a space behind the name", SIZE("1;a =b"), "a"),
    DECODE("a space before the value", SIZE("1;a= b"), "a"),
    DECODE("a space before quotes", SIZE("1;a= \"b\""), "a"),
    DECODE("a space before the second semicolon", SIZE("1;a ;b"), "a"),
    DECODE("a space behind a value, then a semicolon", SIZE("1;a=b ;c"), "a"),
    DECODE("a space behind quotes, then a semicolon", SIZE("1;a=\"b\" ;c"), "a"),
    DECODE("a space behind the last chunk, then a semicolon", "0 ;a\r\n\r\n", ""),
    REFUSE("a space behind the name at the end", SIZE("1;a "), FF_BAD_CHUNK_EXT),
    REFUSE("a space behind the value", SIZE("1;a=b "), FF_BAD_CHUNK_EXT),
    REFUSE("a space behind quotes", SIZE("1;a=\"b\" "), FF_BAD_CHUNK_EXT),
    REFUSE("a space and no value", SIZE("1;a= "), FF_BAD_CHUNK_EXT),
    REFUSE("a space and no name", SIZE("1; "), FF_BAD_CHUNK_EXT),
    REFUSE("a space behind the size, then a name", SIZE("1 a"), FF_BAD_CHUNK_EXT),
    REFUSE("a space behind the size, then a digit", SIZE("1 1"), FF_BAD_CHUNK_EXT),
    REFUSE("a space behind the size, then an equal sign", SIZE("1 =a"), FF_BAD_CHUNK_EXT),
    REFUSE("two names", SIZE("1;a b"), FF_BAD_CHUNK_EXT),
    REFUSE("two values", SIZE("1;a=b c"), FF_BAD_CHUNK_EXT),
    REFUSE("two equal signs and a space", SIZE("1;a= =b"), FF_BAD_CHUNK_EXT),
    REFUSE("257 bytes that begin with a space", SIZE("1 ;" A253 "a"), FF_BAD_CHUNK_EXT),
    DECODE("256 bytes that begin with a space", SIZE("1 ;" A253), "a"),
    REFUSE("a bare LF behind a space", "1 \na\r\n" END, FF_BAD_CHUNK_EXT),
    REFUSE("a separator in the value", SIZE("1;a=(b)"), FF_BAD_CHUNK_EXT),
    REFUSE("something behind the quotes", SIZE("1;a=\"b\"c"), FF_BAD_CHUNK_EXT),
    REFUSE("quotes in a bare value", SIZE("1;a=b\"c\""), FF_BAD_CHUNK_EXT),
    REFUSE("quotes that do not close", SIZE("1;a=\"b"), FF_BAD_CHUNK_EXT),
    REFUSE("a line end in quotes", SIZE("1;a=\"b\r\n\""), FF_BAD_CHUNK_EXT),
    REFUSE("an escaped line end", SIZE("1;a=\"b\\\r\n\""), FF_BAD_CHUNK_EXT),
    REFUSE("a bare LF in quotes", SIZE("1;a=\"b\nc\""), FF_BAD_CHUNK_EXT),
    REFUSE("a DEL in quotes", SIZE("1;a=\"\x7f\""), FF_BAD_CHUNK_EXT),
    REFUSE("an escaped DEL", SIZE("1;a=\"\\\x7f\""), FF_BAD_CHUNK_EXT),
    REFUSE("a bare LF behind the name", "1;a\na\r\n" END, FF_BAD_CHUNK_EXT),
    REFUSE("a bare CR behind the name", "1;a\ra\r\n" END, FF_BARE_CR),
    REFUSE("a bare CR behind quotes", "1;a=\"b\"\ra\r\n" END, FF_BARE_CR),
};

static const chunk_case TRAILERS[] = {
    DECODE("one field", TRAILER("A: b"), ""),
    DECODE("two fields", TRAILER("A: b\r\nC: d"), ""),
    DECODE("an empty value", TRAILER("A:"), ""),
    DECODE("obs-text", TRAILER("A: \x80\xff\t"), ""),
    DECODE("a harmless field", TRAILER("Server-Timing: x"), ""),
    DECODE("credentials, which are dropped", TRAILER("Authorization: x"), ""),
    DECODE("what is the connection's, which is dropped", TRAILER("Connection: close"), ""),
    DECODE("a name longer than any forbidden one", TRAILER("Transfer-Encoding-Which-Is-Not: b"),
           ""),
    DECODE("a name that begins like a forbidden one", TRAILER("Hostess: b"), ""),
    REFUSE("a request in place of the end", "0\r\nGET / HTTP/1.1\r\n\r\n", FF_BAD_TRAILER),
    REFUSE("no colon", TRAILER("A"), FF_BAD_TRAILER),
    REFUSE("an empty name", TRAILER(": b"), FF_BAD_TRAILER),
    REFUSE("a space before the colon", TRAILER("A : b"), FF_BAD_TRAILER),
    REFUSE("a space in front", TRAILER(" A: b"), FF_BAD_TRAILER),
    REFUSE("a fold", TRAILER("A: b\r\n c"), FF_BAD_TRAILER),
    REFUSE("a control byte", TRAILER("A: \x01"), FF_BAD_TRAILER),
    REFUSE("a NUL", TRAILER("A: \0"), FF_BAD_TRAILER),
    REFUSE("a DEL", TRAILER("A: \x7f"), FF_BAD_TRAILER),
    REFUSE("a NUL in the name", TRAILER("A\0: b"), FF_BAD_TRAILER),
    REFUSE("a bare LF behind a value", "0\r\nA: b\n\r\n", FF_BARE_LF),
    REFUSE("a bare LF behind a name", "0\r\nA\n\r\n", FF_BARE_LF),
    REFUSE("a bare CR behind a value", "0\r\nA: b\rC: d\r\n\r\n", FF_BARE_CR),
    REFUSE("a bare CR at the end", "0\r\n\rGET", FF_BARE_CR),
    REFUSE("a bare LF at the end", "0\r\n\nGET", FF_BARE_LF),
};

static const char *const FORBIDDEN[] = {
    "Content-Length", "CONTENT-length", "Transfer-Encoding", "TRANSFER-ENCODING", "Host", "hOST",
};

typedef struct {
    int code;
    size_t used; /* bytes of input */
    size_t len;  /* bytes of body */
    char body[ARENA_SIZE];
} decoded;

/* Feeds one piece; returns 0 when the decoder has said its last word. */
static int
feed(ff_chunked *c, const char *piece, size_t n, decoded *d)
{
    const char *start = before_guard(piece, n), *p = start, *end = start + n, *data;
    size_t len;

    while ((d->code = ff_chunked_next(c, &p, end, &data, &len)) == FF_CHUNK_DATA) {
        if (len == 0 || data < start || data + len > end)
            abort();
        memcpy(d->body + d->len, data, len);
        d->len += len;
    }
    d->used += (size_t)(p - start);
    return d->code == FF_NEED_DATA;
}

static void
begin(ff_chunked *c, decoded *d, const ff_limits *limits, uint64_t max_body)
{
    ff_chunked_init(c, limits, max_body);
    d->used = d->len = 0;
}

/* Pieces [0, cut) and [cut, n); cut = 0 is the whole. */
static const decoded *
decode(const char *bytes, size_t n, size_t cut, const ff_limits *limits, uint64_t max_body)
{
    static decoded d;
    ff_chunked c;

    begin(&c, &d, limits, max_body);
    if (cut == 0 || feed(&c, bytes, cut, &d))
        feed(&c, bytes + cut, n - cut, &d);
    return &d;
}

static const decoded *
decode_bytewise(const char *bytes, size_t n, const ff_limits *limits, uint64_t max_body)
{
    static decoded d;
    ff_chunked c;

    begin(&c, &d, limits, max_body);
    d.code = FF_NEED_DATA;
    for (size_t i = 0; i < n && feed(&c, bytes + i, 1, &d); i++)
        ;
    return &d;
}

static int
check_decoded(const char *group, const chunk_case *c, const char *how, const decoded *d)
{
    if (!check(d->code == c->code, group, c->name, "%s: %s, not %s", how, verdict(d->code),
               verdict(c->code)))
        return 0;
    if (c->body && !check(d->len == strlen(c->body) && memcmp(d->body, c->body, d->len) == 0, group,
                          c->name, "%s: decoded to '%.*s'", how, (int)d->len, d->body))
        return 0;
    return c->code != FF_CHUNK_END ||
           check(d->used == c->n, group, c->name, "%s: %zu bytes used of %zu", how, d->used, c->n);
}

static void
run_case(const char *group, const chunk_case *c, const ff_limits *limits, uint64_t max_body)
{
    static char longer[ARENA_SIZE];
    char how[32];

    if (!check_decoded(group, c, "whole", decode(c->bytes, c->n, 0, limits, max_body)))
        return; /* one line tells enough */
    check_decoded(group, c, "byte by byte", decode_bytewise(c->bytes, c->n, limits, max_body));
    for (size_t cut = 1; cut < c->n; cut++) {
        snprintf(how, sizeof how, "cut at %zu", cut);
        if (!check_decoded(group, c, how, decode(c->bytes, c->n, cut, limits, max_body)))
            return;
    }
    if (c->code == FF_NEED_DATA)
        return;
    memcpy(longer, c->bytes, c->n); /* the next request is not touched */
    memcpy(longer + c->n, "GET", 3);
    check_decoded(group, c, "with more behind", decode(longer, c->n + 3, 0, limits, max_body));
}

static void
run_cases(const char *group, const chunk_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        run_case(group, &cases[i], &DEFAULT_LIMITS, 0);
}

static void
test_forbidden_trailers(void)
{
    char text[96];

    for (size_t i = 0; i < sizeof FORBIDDEN / sizeof *FORBIDDEN; i++) {
        chunk_case c = {FORBIDDEN[i], text, 0, FF_BAD_TRAILER, NULL};

        c.n = (size_t)snprintf(text, sizeof text, "0\r\n%s: x\r\n\r\n", FORBIDDEN[i]);
        run_case("forbidden trailers", &c, &DEFAULT_LIMITS, 0);
    }
}

#define LIMIT(size, head, fields, max, ...)                                                        \
    {                                                                                              \
        {0, fields, size, head, 0}, max, __VA_ARGS__                                                  \
    }

static void
test_chunk_limits(void)
{
    static const struct {
        ff_limits limits;
        uint64_t max_body;
        chunk_case c;
    } cases[] = {
        LIMIT(0, 0, 0, 4, DECODE("a body as large as allowed", "4\r\nabcd\r\n" END, "abcd")),
        LIMIT(0, 0, 0, 3, REFUSE("one byte too large", "4\r\nabcd\r\n" END, FF_BODY_TOO_LARGE)),
        LIMIT(0, 0, 0, 4, DECODE("in two chunks", "2\r\nab\r\n2\r\ncd\r\n" END, "abcd")),
        LIMIT(0, 0, 0, 3,
              REFUSE("the sum too large", "2\r\nab\r\n2\r\ncd\r\n" END, FF_BODY_TOO_LARGE)),
        LIMIT(0, 0, 0, 3, REFUSE("refused before its data", "4\r", FF_BODY_TOO_LARGE)),
        LIMIT(0, 0, 0, 9, REFUSE("2**32 + 1", "100000001\r\n", FF_BODY_TOO_LARGE)),
        LIMIT(0, 0, 0, 0,
              REFUSE("a sum of more than 63 bits", "1\r\na\r\n7fffffffffffffff\r\n",
                     FF_BODY_TOO_LARGE)),
        LIMIT(0, 0, 2, 0, DECODE("two trailer fields", TRAILER("A: b\r\nC: d"), "")),
        LIMIT(0, 0, 2, 0,
              REFUSE("three trailer fields", TRAILER("A: b\r\nC: d\r\nE: f"), FF_TRAILER_TOO_LONG)),
        LIMIT(7, 0, 0, 0, DECODE("trailer fields below the size", TRAILER("A: b\r\nC: d"), "")),
        LIMIT(6, 0, 0, 0, DECODE("trailer fields of the size", TRAILER("A: b\r\nC: d"), "")),
        LIMIT(5, 0, 0, 0, REFUSE("a trailer field too long", TRAILER("A: b"), FF_TRAILER_TOO_LONG)),
        LIMIT(0, 8, 0, 0, DECODE("a trailer of the size of a head", TRAILER("A: b"), "")),
        LIMIT(0, 7, 0, 0, REFUSE("one byte too long", TRAILER("A: b"), FF_TRAILER_TOO_LONG)),
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run_case("limits of chunks", &cases[i].c, &cases[i].limits, cases[i].max_body);
}

/* 256 bytes of extensions a line are fine 64 times and no more: 16 KiB a body. */
static void
test_extension_budget(void)
{
    static char text[ARENA_SIZE];

    for (int lines = 64; lines <= 65; lines++) {
        size_t n = 0;
        int want = lines == 64 ? FF_CHUNK_END : FF_BAD_CHUNK_EXT;
        const decoded *d;

        for (int i = 0; i < lines; i++, n += 262)
            memcpy(text + n, "1;" A255 "\r\na\r\n", 262);
        memcpy(text + n, END, 5);
        d = decode(text, n + 5, 0, &DEFAULT_LIMITS, 0);
        check(d->code == want, "extensions", "in one body", "%d lines: %s", lines,
              verdict(d->code));
    }
}

void
test_chunked(void)
{
    run_cases("chunk size", SIZES, sizeof SIZES / sizeof *SIZES);
    run_cases("extensions", EXTENSIONS, sizeof EXTENSIONS / sizeof *EXTENSIONS);
    run_cases("trailer", TRAILERS, sizeof TRAILERS / sizeof *TRAILERS);
    test_forbidden_trailers();
    test_chunk_limits();
    test_extension_budget();
}
