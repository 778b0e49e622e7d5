/* test_target.c -- Host and authority, and percent-encoding (RFC 3986 sections 2.1, 3.2). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "http1/target.h"

typedef struct {
    const char *host;
    size_t n;
    int valid;
} host_case;

static const host_case HOSTS[] = {
    {BYTES("a"), 1},
    {BYTES("example.org"), 1},
    {BYTES("EXAMPLE.org."), 1},
    {BYTES("a:80"), 1},
    {BYTES("a:"), 1},
    {BYTES("a:0"), 1},
    {BYTES("a:65535"), 1},
    {BYTES("a:00080"), 1},
    {BYTES("127.0.0.1:8000"), 1},
    {BYTES("999.1"), 1}, /* no IPv4 address, but a reg-name */
    {BYTES("a-b_c~d.e"), 1},
    {BYTES("!$&'()*+,;="), 1},
    {BYTES("%41%7a"), 1},
    {BYTES("az09AZ"), 1},
    {BYTES("[::1]"), 1},
    {BYTES("[::1]:80"), 1},
    {BYTES("[::1]:"), 1},
    {BYTES("[::]"), 1},
    {BYTES("[2001:DB8::ff00:42:8329]"), 1},
    {BYTES("[::ffff:192.0.2.1]:1"), 1},
    {BYTES("[1111:2222:3333:4444:5555:6666:255.255.255.255]"), 1},
    {BYTES("a:65536"), 0},
    {BYTES("a:99999"), 0},
    {BYTES("a:100000"), 0},
    {BYTES("a:4294967376"), 0}, /* 80 in 32 bits */
    {BYTES("a:x"), 0},
    {BYTES("a:8x"), 0},
    {BYTES("a:-1"), 0},
    {BYTES("a:+1"), 0},
    {BYTES("a:/"), 0},
    {BYTES("a::"), 0},
    {BYTES("a:1:2"), 0},
    {BYTES("a: 80"), 0},
    {BYTES("a b"), 0},
    {BYTES("a\tb"), 0},
    {BYTES("a,b c"), 0},
    {BYTES("a/b"), 0},
    {BYTES("a?b"), 0},
    {BYTES("a#b"), 0},
    {BYTES("u@a"), 0},
    {BYTES("a\\b"), 0},
    {BYTES("a\"b"), 0},
    {BYTES("a<b"), 0},
    {BYTES("a[b"), 0},
    {BYTES("a]"), 0},
    {BYTES("a@"), 0},
    {BYTES("a`"), 0},
    {BYTES("a{"), 0},
    {BYTES("a\0"), 0},
    {BYTES("a\x80"), 0},
    {BYTES("\xc3\xa9.org"), 0},
    {BYTES("%"), 0},
    {BYTES("%4"), 0},
    {BYTES("%4g"), 0},
    {BYTES("%g4"), 0},
    {BYTES("a%"), 0},
    {BYTES("[]"), 0},
    {BYTES("["), 0},
    {BYTES("[:]"), 0},
    {BYTES("[::1"), 0},
    {BYTES("[::1]80"), 0},
    {BYTES("[::1]a"), 0},
    {BYTES("[::1]:x"), 0},
    {BYTES("[::1]:65536"), 0},
    {BYTES("[::1]]"), 0},
    {BYTES("[1::2::3]"), 0},
    {BYTES("[fe80::1%25eth0]"), 0},
    {BYTES("[v1.a]"), 0},
    {BYTES("[127.0.0.1]"), 0},
    {BYTES("[::1\0]"), 0},
    {BYTES("[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa]"), 0},
    {BYTES("::1"), 0},
};

/* Longer than any buffer an address could be copied to. */
static void
test_endless_address(void)
{
    static char text[16384];

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 5 ? '1' : ':';
    text[0] = '[';
    text[sizeof text - 1] = ']';
    check(!ff_valid_host(before_guard(text, sizeof text), sizeof text, 0), "host",
          "16 KiB in brackets", "accepted");
}

static void
test_hosts(void)
{
    for (size_t i = 0; i < sizeof HOSTS / sizeof *HOSTS; i++) {
        const host_case *c = &HOSTS[i];

        for (int empty = 0; empty < 2; empty++) {
            check(ff_valid_host(before_guard(c->host, c->n), c->n, empty) == c->valid, "host",
                  c->host, "not %d", c->valid);
            check(ff_valid_host(after_guard(c->host, c->n), c->n, empty) == c->valid, "host",
                  c->host, "not %d behind a guard", c->valid);
        }
    }
    check(ff_valid_host(before_guard("", 0), 0, 1), "host", "empty", "refused for Host");
    check(!ff_valid_host(before_guard("", 0), 0, 0), "host", "empty", "taken as authority");
    check(ff_valid_host(before_guard(":80", 3), 3, 1), "host", "a port", "refused for Host");
    check(!ff_valid_host(before_guard(":80", 3), 3, 0), "host", "a port", "taken as authority");
}

/* Each byte in the middle of a name, against the grammar written down a second time. */
static void
test_host_bytes(void)
{
    static const char ALLOWED[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "-._~!$&'()*+,;=";
    char text[3] = "a?a", name[16];

    for (int byte = 0; byte < 256; byte++) {
        int want = byte && strchr(ALLOWED, byte) != NULL;

        text[1] = (char)byte;
        snprintf(name, sizeof name, "byte 0x%02x", (unsigned)byte);
        check(ff_valid_host(before_guard(text, 3), 3, 0) == want, "host", name, "not %d", want);
    }
}

static const struct {
    const char *in;
    size_t in_len;
    const char *out;
    size_t out_len;
} ESCAPES[] = {
    {BYTES(""), BYTES("")},
    {BYTES("/a"), BYTES("/a")},
    {BYTES("/%41"), BYTES("/A")},
    {BYTES("%2f%2F"), BYTES("//")},
    {BYTES("%aF%Fa"), BYTES("\xaf\xfa")},
    {BYTES("%c3%a9"), BYTES("\xc3\xa9")},
    {BYTES("%00"), BYTES("\0")},
    {BYTES("%7f%80"), BYTES("\x7f\x80")},
    {BYTES("%2541"), BYTES("%41")}, /* once, not twice */
    {BYTES("%"), BYTES("%")},
    {BYTES("%4"), BYTES("%4")},
    {BYTES("%g1"), BYTES("%g1")},
    {BYTES("%1g"), BYTES("%1g")},
    {BYTES("%%41"), BYTES("%A")},
    {BYTES("%4%41"), BYTES("%4A")},
    {BYTES("a%20"), BYTES("a ")},
    {BYTES("%20b"), BYTES(" b")},
    {BYTES("+"), BYTES("+")},
    {BYTES("%u0041"), BYTES("%u0041")},
};

static void
test_escapes(void)
{
    for (size_t i = 0; i < sizeof ESCAPES / sizeof *ESCAPES; i++) {
        size_t n = ESCAPES[i].in_len, len;
        char *out = malloc(n + 1);
        uint8_t obs = 0, want_obs = 0;

        for (size_t k = 0; k < ESCAPES[i].out_len; k++)
            want_obs |= (unsigned char)ESCAPES[i].out[k] >= 0x80;
        len = ff_unquote(out, before_guard(ESCAPES[i].in, n), n, &obs);
        check(len == ESCAPES[i].out_len && memcmp(out, ESCAPES[i].out, len) == 0, "escapes",
              ESCAPES[i].in, "decoded to %.*s", (int)len, out);
        check(obs == want_obs, "escapes", ESCAPES[i].in, "obs is %d", obs);
        free(out);
    }
}

static void
test_hex(void)
{
    static const char DIGITS[] = "0123456789abcdef", UPPER[] = "0123456789ABCDEF";
    char name[16];

    for (int byte = 0; byte < 256; byte++) {
        const char *low = byte ? strchr(DIGITS, byte) : NULL;
        const char *up = byte ? strchr(UPPER, byte) : NULL;
        int want = low ? (int)(low - DIGITS) : up ? (int)(up - UPPER) : -1;

        snprintf(name, sizeof name, "byte 0x%02x", (unsigned)byte);
        check(ff_hex((unsigned char)byte) == want, "hex", name, "%d, not %d",
              ff_hex((unsigned char)byte), want);
    }
}

void
test_target(void)
{
    test_hosts();
    test_endless_address();
    test_host_bytes();
    test_escapes();
    test_hex();
}
