/* framing.h -- what a complete head means for the bytes after it (RFC 9112 section 6),
 * and the checks that need the whole head. */
#ifndef FF_FRAMING_H
#define FF_FRAMING_H

#include "http1/scan.h"

typedef struct {
    int64_t content_length; /* -1 when the request has no Content-Length */
    uint8_t chunked;
    uint8_t te_has_tab; /* behind the value: white space to us, a part of it to llhttp */
    uint8_t keep_alive;      /* what the client asked for (RFC 9112 section 9.3) */
    uint8_t expect_continue; /* 1.1, with a body announced */
    uint8_t upgrade;         /* an Upgrade field or option is there; we ignore it */
} ff_framing;

/* Checks the head that ff_scan_head() found at `base`.  Returns 0 or an error code.
 * max_body: bytes, 0 = no limit. */
int ff_frame(const char *base, const ff_head *h, int64_t max_body, ff_framing *f);

#endif
