/* plain_scan.h -- csrc/http1/scan.c and field.c once more, without lanes.h and under other names, so
 * that both ways through them can be compared in one process. */
#ifndef FF_PLAIN_SCAN_H
#define FF_PLAIN_SCAN_H

#include "http1/scan.h"

ptrdiff_t plain_scan_head(const char *p, size_t n, const ff_limits *limits, ff_head *h);
size_t plain_value_span(const char *p, const char *end, uint8_t *obs);

#endif
