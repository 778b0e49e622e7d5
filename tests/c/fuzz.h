/* fuzz.h -- what the fuzz targets share.  fuzz_NAME.c is linked with libFuzzer to search, and
 * with replay.c to try the inputs that were kept. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An exact copy in its own allocation, so that ASan sees one byte too far. */
static inline char *
exact_copy(const char *p, size_t n)
{
    char *own = malloc(n ? n : 1);

    return memcpy(own, p, n);
}

#endif
