/* harness.h -- what every C test uses: checks that count, memory that ends where the input
 * ends, and random numbers that are the same in every run. */
#ifndef FF_HARNESS_H
#define FF_HARNESS_H

#include <stddef.h>
#include <stdint.h>

/* Longest input that fits in front of a guard page, in bytes. */
#define ARENA_SIZE ((size_t)64 << 10)

/* The bytes of a literal, NULs included, and their number. */
#define BYTES(literal) literal, sizeof(literal) - 1

/* Counts the check; a failed one is printed as "group: name: why".  Returns ok. */
int check(int ok, const char *group, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Prints "N passed, M failed".  Returns what main() should. */
int report(void);

/* A copy of the bytes that ends where an unreadable page begins; overwritten by the next
 * call.  n is at most ARENA_SIZE. */
const char *before_guard(const char *bytes, size_t n);

/* A copy that begins where an unreadable page ends.  What follows it is readable and looks
 * like more of a request, so that reading on is not harmless. */
const char *after_guard(const char *bytes, size_t n);

/* The name of an error code, "need data", or a positive number in decimals.  The text is
 * valid until the fourth call after this one. */
const char *verdict(ptrdiff_t rc);

/* xorshift64: *state is not 0. */
uint64_t random_bits(uint64_t *state);

/* One for each test file. */
void test_request_line(void);
void test_fields(void);
void test_limits(void);
void test_options(void);
void test_target(void);
void test_framing(void);
void test_chunked(void);
void test_spans(void);
void test_errors(void);
void test_outs(void);
void test_preface(void);
void test_flusher(void);
void test_watch(void);
void test_block(void);
void test_published(void);
void test_beneath(void);
void test_ws_frames(void);
void test_ws_utf8(void);
void test_http2(void);

#endif
