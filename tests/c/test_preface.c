/* test_preface.c -- the PROXY protocol: each input is given whole and at every cut, in front of
 * an unreadable page, and must be refused at its first wrong byte. */
#include "net/proxy_protocol.h"

#include <stdio.h>
#include <string.h>

#include "harness.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define IN4 "\300\0\2\1\300\0\2\2\x1f\x90\0\x50" /* 192.0.2.1:8080 to 192.0.2.2:80 */
#define IN6                                                                                        \
    " \1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1"                                                            \
    " \1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\2\0\1\xff\xff"
#define X27 "abcdefghijklmnopqrstuvwxyza"
#define X108 X27 X27 X27 X27
#define UNIX216 X108 X108
#define BOTH (FF_PREFACE_V1 | FF_PREFACE_V2)

typedef struct {
    const char *name;
    const char *bytes;
    size_t n;
    int versions;
    ptrdiff_t want;   /* bytes used, or a code */
    size_t decided;   /* bytes after which the verdict is there */
    ff_preface facts; /* when want > 0 */
} preface_case;

#define TAKE(name, bytes, ...)                                                                     \
    {                                                                                              \
        name, BYTES(bytes), BOTH, sizeof(bytes) - 1, sizeof(bytes) - 1, { __VA_ARGS__ }            \
    }
#define WAIT(name, bytes)                                                                          \
    {                                                                                              \
        name, BYTES(bytes), BOTH, FF_NEED_DATA, sizeof(bytes), { 0 }                               \
    }
/* Refused as soon as `decided` bytes are there. */
#define REFUSE_AT(decided, name, bytes)                                                            \
    {                                                                                              \
        name, BYTES(bytes), BOTH, FF_BAD_PREFACE, decided, { 0 }                                   \
    }
#define REFUSE(name, bytes) REFUSE_AT(sizeof(bytes) - 1, name, bytes)
#define V1(words) "PROXY " words "\r\n"
#define V2(head, rest) SIG head rest

static const preface_case CASES[] = {
    TAKE("TCP4", V1("TCP4 192.0.2.1 192.0.2.2 8080 80"), .version = 1, .kind = FF_PREFACE_TCP4,
         .source = "192.0.2.1", .target = "192.0.2.2", .source_port = 8080, .target_port = 80),
    TAKE("TCP4, the largest", V1("TCP4 255.255.255.255 255.255.255.255 65535 65535"), .version = 1,
         .kind = FF_PREFACE_TCP4, .source = "255.255.255.255", .target = "255.255.255.255",
         .source_port = 65535, .target_port = 65535),
    TAKE("TCP4, port 0", V1("TCP4 0.0.0.0 0.0.0.0 0 0"), .version = 1, .kind = FF_PREFACE_TCP4,
         .source = "0.0.0.0", .target = "0.0.0.0"),
    TAKE("TCP6", V1("TCP6 2001:db8::1 ::1 1 2"), .version = 1, .kind = FF_PREFACE_TCP6,
         .source = "2001:db8::1", .target = "::1", .source_port = 1, .target_port = 2),
    TAKE("TCP6 in full is made short", V1("TCP6 2001:0DB8:0:0:0:0:0:0001 ::FFFF:192.0.2.1 1 2"),
         .version = 1, .kind = FF_PREFACE_TCP6, .source = "2001:db8::1",
         .target = "::ffff:192.0.2.1", .source_port = 1, .target_port = 2),
    TAKE("UNKNOWN", V1("UNKNOWN"), .version = 1, .kind = FF_PREFACE_UNKNOWN),
    TAKE("UNKNOWN and more", V1("UNKNOWN ffff::1 what ever 1"), .version = 1,
         .kind = FF_PREFACE_UNKNOWN),
    WAIT("nothing", ""),
    WAIT("P", "P"),
    WAIT("v1 without its LF", "PROXY UNKNOWN\r"),
    WAIT("v1 without its end", "PROXY TCP4 192.0.2.1 192.0.2.2 8080 80"),
    REFUSE_AT(1, "a request", "GET / HTTP/1.1\r\n"),
    REFUSE_AT(1, "a TLS hello", "\x16\x03\x01"),
    REFUSE_AT(2, "a method like it", "POST / HTTP/1.1\r\n"),
    REFUSE_AT(2, "lower case", "Proxy TCP4 "),
    REFUSE_AT(6, "a tab", "PROXY\tTCP4 "),
    REFUSE_AT(7, "two spaces", "PROXY  TCP4 "),
    REFUSE_AT(8, "UDP4", "PROXY UDP4 "),
    REFUSE_AT(10, "TCP5", "PROXY TCP5 "),
    REFUSE_AT(14, "UNKNOWNS", "PROXY UNKNOWNS\r\n"),
    REFUSE_AT(7, "no words", "PROXY \r\n"),
    REFUSE_AT(11, "no addresses", "PROXY TCP4\r\n"),
    REFUSE("one address", V1("TCP4 192.0.2.1")),
    REFUSE("no ports", V1("TCP4 192.0.2.1 192.0.2.2")),
    REFUSE("one port", V1("TCP4 192.0.2.1 192.0.2.2 1")),
    REFUSE("three ports", V1("TCP4 192.0.2.1 192.0.2.2 1 2 3")),
    REFUSE("a space at the end", V1("TCP4 192.0.2.1 192.0.2.2 1 2 ")),
    REFUSE("two spaces between", V1("TCP4 192.0.2.1  192.0.2.2 1 2")),
    REFUSE("an empty port", V1("TCP4 192.0.2.1 192.0.2.2 1 ")),
    REFUSE("a port too large", V1("TCP4 192.0.2.1 192.0.2.2 1 65536")),
    REFUSE("a port of six digits", V1("TCP4 192.0.2.1 192.0.2.2 000001 2")),
    REFUSE("a port with a zero in front", V1("TCP4 192.0.2.1 192.0.2.2 01 2")),
    REFUSE("a signed port", V1("TCP4 192.0.2.1 192.0.2.2 +1 2")),
    REFUSE("a port with a sign behind", V1("TCP4 192.0.2.1 192.0.2.2 10- 2")),
    REFUSE("a port with a slash behind", V1("TCP4 192.0.2.1 192.0.2.2 1 10/")),
    REFUSE("a port that wraps", V1("TCP4 192.0.2.1 192.0.2.2 4294967297 2")),
    REFUSE("an address of 60 digits", V1("TCP6 " X27 X27 "123456 ::1 1 2")),
    REFUSE("a port in hex", V1("TCP4 192.0.2.1 192.0.2.2 1 2f")),
    REFUSE("an address of three parts", V1("TCP4 192.0.2 192.0.2.2 1 2")),
    REFUSE("a part too large", V1("TCP4 192.0.2.256 192.0.2.2 1 2")),
    REFUSE("a part in octal", V1("TCP4 192.0.2.01 192.0.2.2 1 2")),
    REFUSE("a name", V1("TCP4 localhost 192.0.2.2 1 2")),
    REFUSE("TCP4 with IPv6", V1("TCP4 ::1 ::1 1 2")),
    REFUSE("TCP6 with IPv4", V1("TCP6 192.0.2.1 192.0.2.2 1 2")),
    REFUSE("a zone", V1("TCP6 fe80::1%eth0 ::1 1 2")),
    REFUSE("brackets", V1("TCP6 [::1] ::1 1 2")),
    REFUSE_AT(12, "a NUL", "PROXY TCP4 \0"),
    REFUSE_AT(13, "LF alone", "PROXY TCP4 1\n"),
    REFUSE_AT(15, "DEL", "PROXY UNKNOWN \x7f"),
    REFUSE_AT(15, "a byte beyond ASCII", "PROXY UNKNOWN \x80"),
    REFUSE("CR without LF", "PROXY UNKNOWN\rX"),
    REFUSE("UNKNOWN, CR without LF", "PROXY UNKNOWN a\r\r"),

    TAKE("v2 TCP4", V2("\x21\x11\0\x0c", IN4), .version = 2, .kind = FF_PREFACE_TCP4,
         .source = "192.0.2.1", .target = "192.0.2.2", .source_port = 8080, .target_port = 80,
         .tlvs = {28, 0}),
    TAKE("v2 TCP6", V2("\x21\x21\0\x24", IN6), .version = 2, .kind = FF_PREFACE_TCP6,
         .source = "2001:db8::1", .target = "2001:db8::2", .source_port = 1, .target_port = 65535,
         .tlvs = {52, 0}),
    TAKE("v2 Unix", V2("\x21\x31\0\xd8", UNIX216), .version = 2, .kind = FF_PREFACE_UNIX,
         .tlvs = {232, 0}),
    TAKE("v2 with a TLV", V2("\x21\x11\0\x11", IN4 "\x01\0\x02h2"), .version = 2,
         .kind = FF_PREFACE_TCP4, .source = "192.0.2.1", .target = "192.0.2.2",
         .source_port = 8080, .target_port = 80, .tlvs = {28, 5}),
    TAKE("v2 with two, one of them empty", V2("\x21\x11\0\x13", IN4 "\x04\0\0\x04\0\x01x"),
         .version = 2, .kind = FF_PREFACE_TCP4, .source = "192.0.2.1", .target = "192.0.2.2",
         .source_port = 8080, .target_port = 80, .tlvs = {28, 7}),
    TAKE("LOCAL", V2("\x20\0\0\0", ""), .version = 2, .kind = FF_PREFACE_LOCAL),
    TAKE("LOCAL with any family and bytes", V2("\x20\xff\0\x02", "ab"), .version = 2,
         .kind = FF_PREFACE_LOCAL),
    TAKE("UNSPEC", V2("\x21\0\0\0", ""), .version = 2, .kind = FF_PREFACE_UNKNOWN),
    TAKE("UNSPEC with bytes", V2("\x21\0\0\x03", "abc"), .version = 2, .kind = FF_PREFACE_UNKNOWN),
    TAKE("UNSPEC with a TLV", V2("\x21\0\0\x05", "\x01\0\x02h2"), .version = 2,
         .kind = FF_PREFACE_UNKNOWN, .tlvs = {16, 5}),
    TAKE("LOCAL with a TLV", V2("\x20\0\0\x05", "\x01\0\x02h2"), .version = 2,
         .kind = FF_PREFACE_LOCAL),
    WAIT("half a signature", "\r\n\r\n\0\r"),
    WAIT("a head alone", V2("\x21\x11\0\x0c", "")),
    WAIT("addresses cut short", V2("\x21\x11\0\x0c", "\300\0\2\1\300\0\2\2\x1f\x90\0")),
    REFUSE_AT(3, "empty lines and a request", "\r\nGET / HTTP/1.1\r\n"),
    REFUSE_AT(12, "the last byte of the signature", "\r\n\r\n\0\r\nQUIT\r"),
    REFUSE_AT(13, "version 1 in binary", V2("\x11\x11\0\x0c", IN4)),
    REFUSE_AT(13, "version 3", V2("\x31\x11\0\x0c", IN4)),
    REFUSE_AT(13, "command 2", V2("\x22\x11\0\x0c", IN4)),
    REFUSE_AT(14, "UDP4", V2("\x21\x12\0\x0c", IN4)),
    REFUSE_AT(14, "UDP6", V2("\x21\x22\0\x24", IN6)),
    REFUSE_AT(14, "TCP4 without protocol", V2("\x21\x10\0\x0c", IN4)),
    REFUSE_AT(14, "UNSPEC over TCP", V2("\x21\x01\0\0", "")),
    REFUSE_AT(14, "a family of the future", V2("\x21\x41\0\0", "")),
    REFUSE_AT(16, "too short for TCP4", V2("\x21\x11\0\x0b", IN4)),
    REFUSE_AT(16, "too short for TCP6", V2("\x21\x21\0\x23", IN6)),
    REFUSE_AT(16, "too short for Unix", V2("\x21\x31\0\xd7", UNIX216)),
    REFUSE_AT(16, "too long", V2("\x21\x11\x40\x01", IN4)),
    REFUSE_AT(16, "LOCAL, too long", V2("\x20\0\xff\xff", "")),
    REFUSE("a TLV of one byte", V2("\x21\x11\0\x0d", IN4 "\x01")),
    REFUSE("a TLV of two bytes", V2("\x21\x11\0\x0e", IN4 "\x01\0")),
    REFUSE("a TLV that overruns by one", V2("\x21\x11\0\x11", IN4 "\x01\0\x03h2")),
    REFUSE("a TLV that overruns by much", V2("\x21\x11\0\x0f", IN4 "\x01\xff\xff")),
    REFUSE("the second one overruns", V2("\x21\x11\0\x13", IN4 "\x04\0\0\x04\0\x02x")),
};

static int
same(const ff_preface *a, const ff_preface *b)
{
    return a->version == b->version && a->kind == b->kind && a->source_port == b->source_port &&
           a->target_port == b->target_port && strcmp(a->source, b->source) == 0 &&
           strcmp(a->target, b->target) == 0 && a->tlvs.len == b->tlvs.len &&
           (a->tlvs.len == 0 || a->tlvs.at == b->tlvs.at);
}

/* Whole, in front of every cut, and with bytes of a request behind. */
static void
run_case(const preface_case *c)
{
    ff_preface f;
    ptrdiff_t rc;

    for (size_t n = 0; n <= c->n; n++) {
        ptrdiff_t want = n < c->decided ? FF_NEED_DATA : c->want;

        memset(&f, 0x5a, sizeof f);
        rc = ff_read_preface(before_guard(c->bytes, n), n, c->versions, &f);
        check(rc == want, "preface", c->name, "%zu of %zu bytes: %s, not %s", n, c->n, verdict(rc),
              verdict(want));
        check(rc > 0 || f.kind == 0x5a, "preface", c->name, "%zu bytes: written to", n);
    }
    if (c->want > 0) {
        rc = ff_read_preface(after_guard(c->bytes, c->n), c->n + 8, c->versions, &f);
        check(rc == c->want && same(&f, &c->facts), "preface", c->name,
              "%s, version %d kind %d %s:%d %s:%d tlvs %u+%u", verdict(rc), f.version, f.kind,
              f.source, f.source_port, f.target, f.target_port, f.tlvs.at, f.tlvs.len);
    }
}

/* 107 bytes with CRLF are as many as section 2.1 allows, whatever UNKNOWN brings. */
static void
test_longest(void)
{
    char line[256];
    ff_preface f;
    int n;

    n = snprintf(line, sizeof line, "PROXY TCP6 %s %s 65535 65535\r\n",
                 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe");
    check(ff_read_preface(before_guard(line, (size_t)n), (size_t)n, BOTH, &f) == n, "preface",
          "longest TCP6", "%d bytes are refused", n);
    for (int size = 106; size <= 108; size++) {
        memset(line, 'x', sizeof line);
        memcpy(line, "PROXY UNKNOWN ", 14);
        memcpy(line + size - 2, "\r\n", 2);
        for (n = 0; n <= size; n++) {
            ptrdiff_t want = n == size && size <= 107 ? size : FF_NEED_DATA;
            ptrdiff_t rc;

            if (size > 107 && n >= 106) /* its CR cannot come in time */
                want = FF_BAD_PREFACE;
            rc = ff_read_preface(before_guard(line, (size_t)n), (size_t)n, BOTH, &f);
            check(rc == want, "preface", "over-long v1", "%d of %d bytes: %s, not %s", n, size,
                  verdict(rc), verdict(want));
        }
    }
}

static void
test_versions(void)
{
    static const preface_case one = TAKE("", V1("UNKNOWN"), 0);
    static const preface_case two = TAKE("", V2("\x20\0\0\0", ""), 0);
    ff_preface f;

    for (int versions = 1; versions <= 3; versions++) {
        ptrdiff_t want = versions & FF_PREFACE_V1 ? (ptrdiff_t)one.n : FF_BAD_PREFACE;

        check(ff_read_preface(one.bytes, one.n, versions, &f) == want, "preface", "version 1",
              "with %d", versions);
        want = versions & FF_PREFACE_V2 ? (ptrdiff_t)two.n : FF_BAD_PREFACE;
        check(ff_read_preface(two.bytes, two.n, versions, &f) == want, "preface", "version 2",
              "with %d", versions);
    }
}

static void
test_tlvs(void)
{
    static const char bytes[] = "\x04\0\0\x20\x01\x02";
    const char *value;
    uint8_t type;
    size_t len;

    check(ff_next_tlv(bytes, &type, &value, &len) == 3 && type == 4 && len == 0, "preface", "TLV",
          "an empty one");
    check(ff_next_tlv(bytes + 3, &type, &value, &len) == 261 && type == 0x20 && len == 258 &&
              value == bytes + 6,
          "preface", "TLV", "a long one");
}

void
test_preface(void)
{
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        run_case(&CASES[i]);
    test_longest();
    test_versions();
    test_tlvs();
}
