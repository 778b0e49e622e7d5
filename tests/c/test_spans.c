/* test_spans.c -- the inner loops: every byte value, and the code of lanes.h against the plain
 * one on random input.  The numbers are the same in every run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heads.h"
#include "plain_scan.h"

#define ROUNDS 60000 /* under a second with sanitizers */

static void
test_tchar(void)
{
    static const char TCHARS[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char name[16];

    for (int byte = 0; byte < 256; byte++) {
        int want = byte && strchr(TCHARS, byte) != NULL;
        char text[3] = {'a', (char)byte, 'a'};
        const char *p = before_guard(text, 3);

        snprintf(name, sizeof name, "byte 0x%02x", (unsigned)byte);
        check(!ff_is_tchar((unsigned char)byte) == !want, "tchar", name, "not %d", want);
        check(ff_token_span(p, p + 3) == (want ? 3 : 1), "token span", name, "%zu",
              ff_token_span(p, p + 3));
    }
    check(ff_token_span(before_guard("", 0), before_guard("", 0)) == 0, "token span", "empty",
          "not 0");
}

static void
test_lower(void)
{
    char name[16];

    for (int byte = 0; byte < 256; byte++) {
        int want = byte >= 'A' && byte <= 'Z' ? byte + 32 : byte;

        snprintf(name, sizeof name, "byte 0x%02x", (unsigned)byte);
        check(ff_lower((unsigned char)byte) == want, "lower case", name, "not 0x%02x",
              (unsigned)want);
    }
}

/* Mostly text, with a byte of any kind now and then, so that long runs occur. */
static void
random_text(uint64_t *state, char *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = random_bits(state);

        if (bits % 40 == 0)
            out[i] = (char)(bits >> 8);
        else if (bits % 40 == 1)
            out[i] = (char)(0x80 | bits >> 8);
        else
            out[i] = (char)(' ' + (bits >> 8) % 95);
    }
}

static void
test_value_spans(void)
{
    uint64_t state = 88172645463325252u;
    char text[80];
    unsigned differ = 0;

    for (int round = 0; round < ROUNDS; round++) {
        size_t n = random_bits(&state) % (sizeof text + 1), fast, plain;
        uint8_t fast_obs = 0, plain_obs = 0;
        const char *p;

        random_text(&state, text, n);
        p = round & 1 ? before_guard(text, n) : after_guard(text, n);
        fast = ff_value_span(p, p + n, &fast_obs);
        plain = plain_value_span(p, p + n, &plain_obs);
        differ += fast != plain || fast_obs != plain_obs;
    }
    check(differ == 0, "value span", "lanes and plain", "differ %u times of %d", differ, ROUNDS);
}

static const char *const SEEDS[] = {
    "GET /a/b?c=d HTTP/1.1\r\nHost: example.org\r\nAccept: text/html, */*;q=0.8\r\n\r\n",
    "\r\nPOST http://a.b:80/%41 HTTP/1.0\r\nContent-Length: 5\r\nX_Y: \xe9\r\n\r\nhello",
    "OPTIONS * HTTP/1.1\r\nHost:\r\nTransfer-Encoding: chunked\r\nConnection: a,close\r\n\r\n",
};

/* One of the seeds with up to three bytes changed, and cut. */
static size_t
random_head(uint64_t *state, char *out)
{
    static const char NASTY[] = "\r\n\t :,;#%?/\\\0\x01\x7f\x80\xff";
    const char *seed = SEEDS[random_bits(state) % (sizeof SEEDS / sizeof *SEEDS)];
    size_t n = strlen(seed), changes = random_bits(state) % 4;

    memcpy(out, seed, n);
    for (size_t i = 0; i < changes; i++) {
        uint64_t bits = random_bits(state);
        out[bits % n] = bits & 1 << 20 ? NASTY[(bits >> 24) % sizeof NASTY] : (char)(bits >> 24);
    }
    return random_bits(state) % 4 ? n : random_bits(state) % (n + 1);
}

static void
test_heads(void)
{
    uint64_t state = 2463534242u;
    unsigned differ = 0, accepted = 0;
    char text[128], said[8192];

    for (int round = 0; round < ROUNDS; round++) {
        ff_field fast_fields[8], plain_fields[8];
        ff_head fast = {.fields = fast_fields, .capacity = 8};
        ff_head plain = {.fields = plain_fields, .capacity = 8};
        size_t n = random_head(&state, text);
        const char *p = round & 1 ? before_guard(text, n) : after_guard(text, n);
        ptrdiff_t rc = ff_scan_head(p, n, &DEFAULT_LIMITS, &fast);

        differ += rc != plain_scan_head(p, n, &DEFAULT_LIMITS, &plain);
        if (rc <= 0)
            continue;
        accepted++;
        strcpy(said, show_head(p, &fast));
        differ += strcmp(said, show_head(p, &plain)) != 0;
    }
    check(differ == 0, "random heads", "lanes and plain", "differ %u times of %d", differ, ROUNDS);
    check(accepted > ROUNDS / 10, "random heads", "accepted", "only %u of %d", accepted, ROUNDS);
}

void
test_spans(void)
{
    test_tchar();
    test_lower();
    test_value_spans();
    test_heads();
}
