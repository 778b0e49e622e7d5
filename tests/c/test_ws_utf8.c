/* test_ws_utf8.c -- UTF-8 in pieces: every character, every sequence that is none, every cut. */
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "ws/utf8.h"

#define ROUNDS 20000

/* RFC 3629 section 3 turned round: the bytes of a character, or 0 when it is none. */
static size_t
encode(uint32_t c, unsigned char *out)
{
    if (c >= 0xd800 && c <= 0xdfff)
        return 0;
    if (c < 0x80) {
        out[0] = (unsigned char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (unsigned char)(0xc0 | c >> 6);
        out[1] = (unsigned char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (unsigned char)(0xe0 | c >> 12);
        out[1] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (unsigned char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (unsigned char)(0xf0 | c >> 18);
    out[1] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (unsigned char)(0x80 | (c & 0x3f));
    return 4;
}

/* Sets of sequences of one, two and three bytes: beginnings of characters, and characters. */
static unsigned char begun[3][0x1000000 / 8], whole[3][0x1000000 / 8];

static uint32_t
number(const unsigned char *p, size_t n)
{
    uint32_t value = 0;

    for (size_t i = 0; i < n; i++)
        value = value << 8 | p[i];
    return value;
}

static void
note(unsigned char set[][0x1000000 / 8], const unsigned char *p, size_t n)
{
    uint32_t value = number(p, n);

    set[n - 1][value / 8] |= (unsigned char)(1 << value % 8);
}

static int
is_in(unsigned char set[][0x1000000 / 8], const unsigned char *p, size_t n)
{
    uint32_t value = number(p, n);

    return set[n - 1][value / 8] >> value % 8 & 1;
}

/* Every character there is, whole and cut. */
static void
test_characters(void)
{
    unsigned wrong = 0, early = 0;

    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        unsigned char bytes[4];
        size_t n = encode(c, bytes);
        uint8_t state = FF_UTF8_WHOLE;

        for (size_t i = 0; i < n; i++) {
            state = ff_utf8_after(state, (const char *)bytes + i, 1);
            early += i + 1 < n && (state == FF_UTF8_WHOLE || state == FF_UTF8_BAD);
            if (i + 1 < n)
                note(begun, bytes, i + 1);
        }
        if (n && n < 4)
            note(whole, bytes, n);
        wrong += n && state != FF_UTF8_WHOLE;
        wrong += n && ff_utf8_after(FF_UTF8_WHOLE, (const char *)bytes, n) != FF_UTF8_WHOLE;
    }
    check(wrong == 0, "UTF-8", "every character", "%u are refused", wrong);
    check(early == 0, "UTF-8", "every character", "%u end too early", early);
}

/* Is the last of n bytes taken as it should be, where those before it begin a character? */
static int
is_right(const unsigned char *bytes, size_t n)
{
    uint8_t before = ff_utf8_after(FF_UTF8_WHOLE, (const char *)bytes, n - 1);
    uint8_t state = ff_utf8_after(before, (const char *)bytes + n - 1, 1);

    if (n == 4)
        return state == ((bytes[3] & 0xc0) == 0x80 ? FF_UTF8_WHOLE : FF_UTF8_BAD);
    if (is_in(whole, bytes, n))
        return state == FF_UTF8_WHOLE;
    if (is_in(begun, bytes, n))
        return state != FF_UTF8_WHOLE && state != FF_UTF8_BAD;
    return state == FF_UTF8_BAD;
}

/* All sequences in which only the last byte may be wrong: it is refused at that byte. */
static void
test_beginnings(void)
{
    unsigned char bytes[4] = {0};
    unsigned wrong = 0, seen = 0;

    for (uint32_t value = 0; value < 0x1000000; value++) {
        size_t n = 1;

        bytes[0] = (unsigned char)(value >> 16);
        bytes[1] = (unsigned char)(value >> 8);
        bytes[2] = (unsigned char)value;
        while (n < 4 && is_in(begun, bytes, n))
            n++;
        if (n < 3 && value & ((1u << (8 * (3 - n))) - 1))
            continue; /* decided before its last byte: once is enough */
        seen++;
        bytes[3] = 0;
        do
            wrong += !is_right(bytes, n);
        while (n == 4 && ++bytes[3]);
    }
    check(seen > 100000, "UTF-8", "beginnings", "%u are few", seen);
    check(wrong == 0, "UTF-8", "beginnings", "%u differ", wrong);
}

static const struct {
    const char *name, *bytes;
    size_t n, refused_at; /* bytes until it is refused; 0: never */
} SEQUENCES[] = {
    {"nothing", BYTES(""), 0},
    {"ASCII with NUL", BYTES("a\0b"), 0},
    {"a byte of the middle", BYTES("abc\x80"), 4},
    {"C0", BYTES("\xc0\x80"), 1},
    {"C1", BYTES("\xc1\xbf"), 1},
    {"two bytes where three begin", BYTES("\xe2\x82\x41"), 3},
    {"a slash of three bytes", BYTES("\xe0\x80\xaf"), 2},
    {"a slash of four bytes", BYTES("\xf0\x80\x80\xaf"), 2},
    {"the last before the surrogates", BYTES("\xed\x9f\xbf"), 0},
    {"a surrogate", BYTES("\xed\xa0\x80"), 2},
    {"the first behind the surrogates", BYTES("\xee\x80\x80"), 0},
    {"U+10FFFF", BYTES("\xf4\x8f\xbf\xbf"), 0},
    {"U+110000", BYTES("\xf4\x90\x80\x80"), 2},
    {"F5", BYTES("\xf5\x80\x80\x80"), 1},
    {"five bytes", BYTES("\xf8\x88\x80\x80\x80"), 1},
    {"FF", BYTES("\xff"), 1},
    {"far behind", BYTES("0123456789abcdef0123456789abcdef0123456\xce\xba\xed\xa0\x80more"), 43},
};

static void
test_sequences(void)
{
    for (size_t i = 0; i < sizeof SEQUENCES / sizeof *SEQUENCES; i++) {
        size_t n = SEQUENCES[i].n, at = SEQUENCES[i].refused_at;
        uint8_t whole = ff_utf8_after(FF_UTF8_WHOLE, before_guard(SEQUENCES[i].bytes, n), n);

        check((whole == FF_UTF8_BAD) == (at != 0), "UTF-8", SEQUENCES[i].name, "%u", whole);
        for (size_t cut = 0; cut <= n; cut++) {
            uint8_t first, both;

            first = ff_utf8_after(FF_UTF8_WHOLE, before_guard(SEQUENCES[i].bytes, cut), cut);
            both = ff_utf8_after(first, after_guard(SEQUENCES[i].bytes + cut, n - cut), n - cut);
            check((first == FF_UTF8_BAD) == (at != 0 && cut >= at), "UTF-8", SEQUENCES[i].name,
                  "not at %zu", cut);
            check(both == whole, "UTF-8, cut", SEQUENCES[i].name, "differs at %zu", cut);
        }
    }
}

/* Characters and noise, byte by byte and whole. */
static void
test_noise(void)
{
    uint64_t random = 88172645463325252u;
    unsigned differ = 0;

    for (int round = 0; round < ROUNDS; round++) {
        char text[160];
        size_t n = 0, size = random_bits(&random) % (sizeof text - 4);
        uint8_t state = FF_UTF8_WHOLE;

        while (n < size) {
            uint64_t bits = random_bits(&random) >> 8;
            uint32_t c = (uint32_t)(bits >> 8) % (bits & 1 ? 0x80 : bits & 2 ? 0x900 : 0x110000);

            n += encode(c, (unsigned char *)text + n);
        }
        if (round & 1 && n)
            text[random_bits(&random) % n] = (char)random_bits(&random);
        for (size_t i = 0; i < n; i++)
            state = ff_utf8_after(state, text + i, 1);
        differ += ff_utf8_after(FF_UTF8_WHOLE, before_guard(text, n), n) != state;
        differ += !(round & 1) && state != FF_UTF8_WHOLE;
    }
    check(differ == 0, "UTF-8", "noise", "%u differ", differ);
}

void
test_ws_utf8(void)
{
    test_characters();
    test_beginnings();
    test_sequences();
    test_noise();
}
