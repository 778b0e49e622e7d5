/* chunked.h -- the chunked transfer coding (RFC 9112 section 7.1), decoded byte by byte
 * where it frames and in whole runs where it carries data.  No allocation. */
#ifndef FF_CHUNKED_H
#define FF_CHUNKED_H

#include "http1/scan.h"

#define FF_MAX_CHUNK_EXT_LINE 256        /* bytes of extensions in one chunk line */
#define FF_MAX_CHUNK_EXT_BODY (16 << 10) /* bytes of extensions in one body */
#define FF_MAX_SIZE_DIGITS 40            /* of a length, with its leading zeros */

enum {
    FF_CHUNK_DATA = 1, /* *data and *len hold a run of the body */
    FF_CHUNK_END = 2,  /* the body is complete, trailer section included */
};

typedef struct {
    uint64_t left;  /* bytes of this chunk still to come */
    uint64_t total; /* bytes of body announced so far */
    uint64_t max_body;
    uint32_t ext_line, ext_body;
    uint32_t trailer_bytes, trailer_fields, line_bytes;
    ff_limits limits;
    uint8_t state;
    uint8_t digits, significant;
    uint8_t name_len;
    char name[24]; /* of the trailer field being read, in lower case, cut */
} ff_chunked;

/* max_body: bytes, 0 = no limit. */
void ff_chunked_init(ff_chunked *c, const ff_limits *limits, uint64_t max_body);

/* Reads from *p towards end and moves *p past what it used.  Returns FF_CHUNK_DATA (call
 * again), FF_CHUNK_END, FF_NEED_DATA, or an error code. */
int ff_chunked_next(ff_chunked *c, const char **p, const char *end, const char **data,
                    size_t *len);

#endif
