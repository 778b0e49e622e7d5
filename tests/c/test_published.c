/* test_published.c -- a reader beside a writer never has half of what was written (published.h).
 *
 * Not under ThreadSanitizer: the data are read while they are written, and then thrown away. */
#include <pthread.h>
#include <sched.h>
#include <stddef.h>

#include "harness.h"
#include "published.h"

#define WORDS 8
#define RECORDS 200000
#define TRIES 10000000

static int64_t number;             /* of the record that is there; 0: it is being exchanged */
static volatile int64_t data[WORDS]; /* all of them its number */

static void *
write_records(void *unused)
{
    (void)unused;
    for (int64_t n = 1; n <= RECORDS; n++) {
        ff_publish(&number, 0);
        for (size_t i = 0; i < WORDS; i++)
            data[i] = n;
        ff_publish(&number, n);
    }
    return NULL;
}

void
test_published(void)
{
    pthread_t writer;
    int64_t last = 0, torn = 0, backwards = 0;

    if (!check(pthread_create(&writer, NULL, write_records, NULL) == 0, "published", "writer",
               "no thread"))
        return;
    for (long i = 0; i < TRIES && last < RECORDS; i++) {
        int64_t before = ff_look(&number), copy[WORDS];

        for (size_t w = 0; w < WORDS; w++)
            copy[w] = data[w];
        if (before == 0 || ff_look(&number) != before) {
            sched_yield();
            continue;
        }
        backwards += before < last;
        last = before;
        for (size_t w = 0; w < WORDS; w++)
            torn += copy[w] != before;
    }
    pthread_join(writer, NULL);
    check(torn == 0, "published", "whole", "%ld words of another record", (long)torn);
    check(backwards == 0, "published", "order", "%ld went back", (long)backwards);
    check(ff_look(&number) == RECORDS, "published", "last", "it is %ld", (long)number);
}
