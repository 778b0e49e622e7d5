/* harness.c -- see harness.h. */
#include "harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "http1/errors.h"
#include "ws/frames.h"

#define MAX_PRINTED 40 /* failures; a broken scanner fails everything, and one tells enough */

static unsigned passed, failed;

int
check(int ok, const char *group, const char *name, const char *format, ...)
{
    va_list args;

    if (ok) {
        passed++;
        return 1;
    }
    if (++failed > MAX_PRINTED)
        return 0;
    printf("FAILED %s: %s: ", group, name);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    return 0;
}

int
report(void)
{
    printf("%u passed, %u failed\n", passed, failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ARENA_SIZE readable bytes between two pages that are not. */
static char *
new_arena(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *all = mmap(NULL, ARENA_SIZE + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (all == MAP_FAILED || mprotect(all + page, ARENA_SIZE, PROT_READ | PROT_WRITE)) {
        perror("tests/c: mapping the guard pages");
        exit(EXIT_FAILURE);
    }
    return all + page;
}

const char *
before_guard(const char *bytes, size_t n)
{
    static char *arena;

    if (arena == NULL)
        arena = new_arena();
    if (n > ARENA_SIZE)
        abort();
    return memcpy(arena + ARENA_SIZE - n, bytes, n);
}

const char *
after_guard(const char *bytes, size_t n)
{
    static const char MORE[] = "\r\n\r\nA: b\r\n\r\n";
    static char *arena;

    if (arena == NULL)
        arena = new_arena();
    if (n > ARENA_SIZE - sizeof MORE)
        abort();
    memcpy(arena + n, MORE, sizeof MORE);
    return memcpy(arena, bytes, n);
}

const char *
verdict(ptrdiff_t rc)
{
    static char texts[4][32];
    static unsigned turn;
    char *text = texts[turn++ % 4];

    switch (rc) {
#define FF_NAME(name, code, status, text)                                                          \
    case name:                                                                                     \
        return #name;
        FF_ERRORS(FF_NAME)
#undef FF_NAME
#define FF_NAME(name, code, close, text)                                                           \
    case name:                                                                                     \
        return #name;
        FF_WS_ERRORS(FF_NAME)
#undef FF_NAME
    case FF_NEED_DATA:
        return "need data";
    case FF_NEED_FIELDS:
        return "need fields";
    }
    snprintf(text, sizeof texts[0], "%td", rc);
    return text;
}

uint64_t
random_bits(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}
