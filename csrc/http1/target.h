/* target.h -- request target, Host and percent-encoding (RFC 9112 section 3.2,
 * RFC 3986 section 3.2.2). */
#ifndef FF_TARGET_H
#define FF_TARGET_H

#include "http1/scan.h"

/* Splits h->target, whose bytes are known to be 0x21-0x7E, into path, query and
 * authority.  Returns 0 or an error code.  casefold: methods are compared in any case. */
int ff_split_target(const char *base, ff_head *h, int casefold);

/* Is this uri-host [":" port]?  Empty is valid only when `may_be_empty`. */
int ff_valid_host(const char *p, size_t n, int may_be_empty);

/* Decodes %XX once; a "%" that two hex digits do not follow stays as it is.  dst needs n
 * bytes.  Returns the decoded length; *obs is set to 1 when a byte >= 0x80 came out. */
size_t ff_unquote(char *dst, const char *src, size_t n, uint8_t *obs);

/* Value of a hexadecimal digit, or -1. */
int ff_hex(unsigned char c);

#endif
