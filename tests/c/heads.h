/* heads.h -- tables of request heads and what ff_scan_head() must make of them. */
#ifndef FF_HEADS_H
#define FF_HEADS_H

#include "harness.h"
#include "http1/scan.h"

#define MAX_FIELDS 128 /* capacity in these tests; above every limit they set */

extern const ff_limits DEFAULT_LIMITS;

typedef struct {
    const char *name; /* the rule, as a sentence */
    const char *bytes;
    size_t n;
    int code;         /* the error, FF_NEED_DATA, or 0 when the head is accepted */
    const char *head; /* accepted only: what show_head() must say of it */
} head_case;

#define REFUSED(name, bytes, code)                                                                 \
    {                                                                                              \
        name, bytes, sizeof(bytes) - 1, code, NULL                                                 \
    }
#define ACCEPTED(name, bytes, head)                                                                \
    {                                                                                              \
        name, bytes, sizeof(bytes) - 1, 0, head                                                    \
    }

/* One line with everything the scanner reported, in this form, where parts in brackets are
 * there only when they say something:
 *   METHOD target path=P[ query=Q][ authority=A][ asterisk][ percent][ start=N] 1.x[!]
 *   {Name[/id][/obs][/underscore][/fold]=value}...
 * where "!" stands for is_lenient.
 * The text is valid until the next call. */
const char *show_head(const char *base, const ff_head *h);

/* Runs the case whole, at every prefix and with more bytes behind it, in front of a guard
 * page and behind one, with too small field arrays and with one that fits. */
void run_head_case(const char *group, const head_case *c, const ff_limits *limits);

/* Each case of a table, with the default limits. */
void run_head_cases(const char *group, const head_case *cases, size_t n);

#endif
