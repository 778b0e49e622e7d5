/* test_block.c -- the size of a field block and its number, at guard pages. */
#include <stdio.h>
#include <string.h>

#include "http1/block.h"
#include "harness.h"

#define SEED 0x0123456789ABCDEFu
#define ROUNDS 20000

static const struct {
    const char *name, *bytes;
    size_t size; /* 0: none ends here */
} SIZES[] = {
    {"nothing", "", 0},
    {"one field", "A: b\r\n\r\n", 8},
    {"two fields", "A: b\r\nHost: h\r\n\r\n", 17},
    {"no field", "\r\n", 0},
    {"no field and more", "\r\nGET / HTTP/1.1\r\n", 0},
    {"the next request behind it", "A: b\r\n\r\nGET / HTTP/1.1\r\nA: c\r\n\r\n", 8},
    {"a body of line ends behind it", "A: b\r\n\r\n\r\n\r\n", 8},
    {"no empty line yet", "A: b\r\n", 0},
    {"no last LF yet", "A: b\r\n\r", 0},
    {"LF alone", "A: b\n\n", 0},
    {"LF, then CRLF", "A: b\n\r\n", 0},
    {"LF, then the empty line", "A: b\n\r\nc: d\r\n\r\n", 15},
    {"CR twice", "A: b\r\r\n\r\n", 9},
};

/* Fields that end after n bytes, 8 <= n. */
static void
make_block(char *out, size_t n)
{
    memset(out, 'v', n);
    memcpy(out, "A:", 2);
    memcpy(out + n - 4, "\r\n\r\n", 4);
}

static void
test_sizes(void)
{
    char text[200];

    for (size_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) {
        size_t n = strlen(SIZES[i].bytes), got;

        got = ff_block_size(before_guard(SIZES[i].bytes, n), n);
        check(got == SIZES[i].size, "block size", SIZES[i].name, "%zu", got);
        got = ff_block_size(after_guard(SIZES[i].bytes, n), n);
        check(got == SIZES[i].size, "block size, more behind it", SIZES[i].name, "%zu", got);
    }
    for (size_t n = 8; n <= sizeof text; n++) {
        char name[32];

        make_block(text, n);
        snprintf(name, sizeof name, "%zu bytes", n);
        check(ff_block_size(before_guard(text, n), n) == n, "block size", name, "not %zu", n);
        for (size_t cut = 0; cut < n; cut++)
            check(ff_block_size(before_guard(text, cut), cut) == 0, "cut block", name, "at %zu",
                  cut);
    }
}

/* The definition, without tricks. */
static size_t
plain_size(const char *p, size_t n)
{
    if (n && *p == '\r')
        return 0;
    for (size_t at = 0; at + 4 <= n; at++)
        if (memcmp(p + at, "\r\n\r\n", 4) == 0)
            return at + 4;
    return 0;
}

static void
test_sizes_of_noise(void)
{
    static const char KINDS[4] = {'\r', '\n', 'a', 'b'};
    uint64_t state = 88172645463325252u;
    unsigned differ = 0;
    char text[160];

    for (int round = 0; round < ROUNDS; round++) {
        size_t n = random_bits(&state) % (sizeof text + 1);
        uint64_t dense = random_bits(&state) % 3; /* 0: mostly line ends */
        const char *p;

        for (size_t i = 0; i < n; i++) {
            uint64_t bits = random_bits(&state) >> 8;
            text[i] = dense && bits % 8 ? 'x' : KINDS[(bits >> 8) % 4];
        }
        p = round & 1 ? before_guard(text, n) : after_guard(text, n);
        differ += ff_block_size(p, n) != plain_size(p, n);
    }
    check(differ == 0, "block size", "noise", "%u differ", differ);
}

static void
test_numbers(void)
{
    char text[140], name[32];

    for (size_t n = 0; n < sizeof text; n++) {
        uint64_t first, again;
        unsigned same = 0;

        memset(text, 'v', sizeof text);
        snprintf(name, sizeof name, "%zu bytes", n);
        first = ff_block_hash(before_guard(text, n), n, SEED);
        again = ff_block_hash(after_guard(text, n), n, SEED);
        check(first == again, "number", name, "differs for equal bytes");
        check(first != ff_block_hash(text, n, SEED + 1), "number", name, "knows no seed");
        check(first != ff_block_hash(text, n + 1, SEED), "number", name, "knows no length");
        for (size_t i = 0; i < n; i++) {
            text[i] ^= 1;
            same += ff_block_hash(before_guard(text, n), n, SEED) == first;
            text[i] ^= 1;
        }
        check(same == 0, "number", name, "%u bytes do not count", same);
    }
}

void
test_block(void)
{
    test_sizes();
    test_sizes_of_noise();
    test_numbers();
}
