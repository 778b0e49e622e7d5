/* frames.c -- see frames.h. */
#include "http2/frames.h"

#include <string.h>

enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE,
       CONTINUATION };
enum { END_STREAM = 1, END_HEADERS = 4, PADDED = 8 };

void
ff_h2_frames_init(ff_h2_frames *f)
{
    memset(f, 0, sizeof *f);
    f->preface = FF_H2_PREFACE_BYTES;
    ff_bucket_init(&f->resets, FF_H2_RESETS, FF_H2_RESETS_BACK);
    ff_bucket_init(&f->idle, FF_H2_IDLE, FF_H2_IDLE_BACK);
}

static int
idle(ff_h2_frames *f, int64_t now)
{
    return ff_bucket_take(&f->idle, now) ? FF_H2_OK : FF_H2_TOO_MANY_IDLE;
}

/* A header block begins or goes on. */
static int
block(ff_h2_frames *f, uint8_t type, uint8_t flags)
{
    if (type == HEADERS) {
        f->block = 0;
        f->continuations = 0;
        ff_bucket_give(&f->idle, FF_H2_IDLE_BACK);
    } else if (++f->continuations > FF_H2_CONTINUATIONS) {
        return FF_H2_TOO_MANY_CONTINUATIONS;
    }
    f->in_block = !(flags & END_HEADERS);
    f->block += f->left;
    return f->block > FF_H2_BLOCK_BYTES ? FF_H2_BLOCK_TOO_LONG : FF_H2_OK;
}

/* All 9 bytes of f->head are there. */
static int
begin(ff_h2_frames *f, int64_t now)
{
    uint8_t type = f->head[3], flags = f->head[4];

    f->left = (uint32_t)f->head[0] << 16 | (uint32_t)f->head[1] << 8 | f->head[2];
    switch (type) {
    case DATA:
        f->since = 0;
        if (flags & END_STREAM)
            return FF_H2_OK;
        f->wants_pad = (flags & PADDED) && f->left > 0;
        return f->left == 0 ? idle(f, now) : FF_H2_OK;
    case HEADERS:
    case CONTINUATION:
        return block(f, type, flags);
    case RST_STREAM:
        return ff_bucket_take(&f->resets, now) ? FF_H2_OK : FF_H2_TOO_MANY_RESETS;
    default: /* control frames, and those of extensions, which are skipped */
        return idle(f, now);
    }
}

size_t
ff_h2_frames_walk(ff_h2_frames *f, const uint8_t *p, size_t n, int64_t now, int *why)
{
    size_t at = 0, take;

    *why = FF_H2_OK;
    while (at < n) {
        if (f->since == 0 && (f->preface || (f->left == 0 && f->have == 0)))
            f->since = now;
        if (f->preface) {
            take = n - at < f->preface ? n - at : f->preface;
            f->preface -= (uint8_t)take;
            at += take;
        } else if (f->left == 0) {
            take = (size_t)(FF_H2_HEAD_BYTES - f->have);
            take = n - at < take ? n - at : take;
            memcpy(f->head + f->have, p + at, take);
            f->have += (uint8_t)take;
            at += take;
            if (f->have < FF_H2_HEAD_BYTES)
                break;
            *why = begin(f, now);
            if (*why != FF_H2_OK)
                return at - take;
        } else {
            if (f->wants_pad) {
                f->wants_pad = 0;
                /* Nothing but padding carries nothing. */
                if (p[at] + 1u >= f->left && (*why = idle(f, now)) != FF_H2_OK)
                    return at;
            }
            take = n - at < f->left ? n - at : f->left;
            f->left -= (uint32_t)take;
            at += take;
        }
        if (f->left == 0 && (f->have == FF_H2_HEAD_BYTES || f->have == 0) && !f->preface) {
            f->have = 0;
            if (!f->in_block)
                f->since = 0;
        }
    }
    return at;
}

const char *
ff_h2_why(int why)
{
    switch (why) {
    case FF_H2_TOO_MANY_RESETS:
        return "more than 200 streams were reset, and more than 20 a second";
    case FF_H2_TOO_MANY_IDLE:
        return "more than 1000 frames carried nothing, and more than 100 a second";
    case FF_H2_TOO_MANY_CONTINUATIONS:
        return "a header block has more than 8 CONTINUATION frames";
    case FF_H2_BLOCK_TOO_LONG:
        return "a header block is longer than 64 KiB";
    }
    return "nothing is wrong";
}
