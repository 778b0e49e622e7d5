/* frames.h -- the frames of an HTTP/2 connection as they come in, counted (RFC 9113 section 4).
 *
 * What frames mean is the library's business.  Here is what they may cost: how many may come
 * that carry nothing, how many streams may be reset, how long a header block may be.  All of
 * that shows in the 9 bytes before each frame, so it is known before the frame is looked at.
 *
 * No allocation, no Python.h.  The verdict depends on the bytes and the times they came at,
 * never on how they were cut. */
#ifndef FF_HTTP2_FRAMES_H
#define FF_HTTP2_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "http2/bucket.h"

#define FF_H2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" /* RFC 9113 section 3.4 */
#define FF_H2_PREFACE_BYTES 24
#define FF_H2_HEAD_BYTES 9

enum { /* limits; the reasons are in docs/how-to/http2.md */
    FF_H2_CONTINUATIONS = 8,      /* of one block */
    FF_H2_BLOCK_BYTES = 64 << 10, /* of one block as it is sent */
    FF_H2_RESETS = 200,           /* streams reset, in both directions */
    FF_H2_RESETS_BACK = 20,       /* ... that are forgotten a second */
    FF_H2_IDLE = 1000,            /* frames that carry nothing */
    FF_H2_IDLE_BACK = 100,        /* ... that are forgotten a second, and with each stream opened */
    FF_H2_WINDOWS = 2,            /* WINDOW_UPDATE frames that each DATA frame of ours is worth */
};

enum { /* what is too much */
    FF_H2_OK = 0,
    FF_H2_TOO_MANY_RESETS,
    FF_H2_TOO_MANY_IDLE,
    FF_H2_TOO_MANY_CONTINUATIONS,
    FF_H2_BLOCK_TOO_LONG,
};

typedef struct {
    uint8_t head[FF_H2_HEAD_BYTES]; /* of the frame that is coming */
    uint8_t have;                   /* bytes of it */
    uint8_t preface;                /* bytes of the client's preface still to come */
    uint8_t in_block;               /* a header block has begun and not ended */
    uint8_t continuations;          /* of that block */
    uint8_t wants_pad;              /* the next byte is the length of the padding */
    uint32_t left;                  /* bytes of the frame's payload still to come */
    uint32_t block;                 /* bytes of the header block */
    int64_t since;                  /* when what is incomplete began, 0: nothing is; not of DATA */
    ff_bucket resets;
    ff_bucket idle;
} ff_h2_frames;

void ff_h2_frames_init(ff_h2_frames *f);

/* Looks at the n bytes at p, which came at `now` (monotonic nanoseconds).  Returns how many may
 * be passed on: n, or those before a frame that is one too many, and then *why is not FF_H2_OK;
 * nothing may follow that. */
size_t ff_h2_frames_walk(ff_h2_frames *f, const uint8_t *p, size_t n, int64_t now, int *why);

/* Of the bytes looked at so far, how many at the end begin a frame whose 9 bytes are not whole? */
static inline size_t
ff_h2_frames_cut(const ff_h2_frames *f)
{
    return f->left == 0 && f->have < FF_H2_HEAD_BYTES ? f->have : 0;
}

/* One line of English for the log. */
const char *ff_h2_why(int why);

#endif
