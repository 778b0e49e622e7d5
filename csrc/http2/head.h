/* head.h -- a field section of HTTP/2 as the head of an HTTP/1.1 request.
 *
 * The scanners of scan.h, target.h and framing.h say what a method, a target, a field and a host
 * may be.  So that a request has one verdict whatever it came by, it is written down here as
 * HTTP/1.1 has it (RFC 9113 section 8.3 says how the pseudo-header fields stand for the request
 * line and Host), and those scanners read it.  Bytes that could end a line early never get in:
 * each part is checked by the scanners' own tables before it is written.
 *
 * Only memory is allocated here, by ff_h2_head_*; no Python.h. */
#ifndef FF_HTTP2_HEAD_H
#define FF_HTTP2_HEAD_H

#include <stddef.h>
#include <stdint.h>

enum { /* what a head can be refused for */
    FF_H2_GOOD = 0,
    FF_H2_MALFORMED = 1, /* RFC 9113 section 8.1.1: the stream is reset */
    FF_H2_TOO_LARGE = 2, /* the field section is larger than was announced: 431 */
    FF_H2_NO_MEMORY = 3,
    FF_H2_CONNECT = 4,   /* CONNECT without :protocol, which is for proxies: 501 */
};

typedef struct {
    char *text; /* the head, malloc'd; the pseudo-header fields before the first other one */
    uint32_t size, room;
    uint32_t method, path, authority, scheme, protocol; /* lengths of those that wait in text */
    uint32_t list;                                      /* size of the section, see `limit` */
    uint32_t limit; /* ... as RFC 9113 section 10.5.1 counts it; 0 = none */
    uint8_t seen;   /* which pseudo-header fields have come */
    uint8_t begun;  /* the request line is written */
    uint8_t verdict;
    uint8_t has_length;   /* Content-Length has come */
    uint8_t has_priority; /* Priority has (RFC 9218 section 5) */
    uint8_t has_host;     /* Host stands in the text */
    uint8_t is_websocket; /* an extended CONNECT that asks for one (RFC 8441) */
} ff_h2_head;

/* Ready for the next head; its memory is kept. */
void ff_h2_head_clear(ff_h2_head *h);

void ff_h2_head_free(ff_h2_head *h);

/* The next field, name in lower case.  What is wrong goes to h->verdict; nothing is stored from
 * then on. */
void ff_h2_head_field(ff_h2_head *h, const char *name, size_t n, const char *value, size_t vn);

/* No field follows.  has_body: the stream has not ended with them.  Returns h->verdict; when that
 * is FF_H2_GOOD the whole head stands in text. */
int ff_h2_head_end(ff_h2_head *h, int has_body);

#endif
