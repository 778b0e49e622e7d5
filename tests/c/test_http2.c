/* test_http2.c -- frames counted, and field sections written down as heads. */
#include <string.h>

#include "harness.h"
#include "http2/frames.h"
#include "http2/head.h"
#include "http1/scan.h"

#define CHECK(condition) check((condition), "http2", #condition, "line %d", __LINE__)

static void
field(ff_h2_head *h, const char *name, const char *value)
{
    ff_h2_head_field(h, name, strlen(name), value, strlen(value));
}

static void
request(ff_h2_head *h)
{
    ff_h2_head_clear(h);
    field(h, ":path", "/a");
    field(h, ":authority", "a.b");
    field(h, ":method", "GET");
    field(h, ":scheme", "https");
}

static int
is_text(const ff_h2_head *h, const char *text)
{
    return h->size == strlen(text) && memcmp(h->text, text, h->size) == 0;
}

/* A frame with nothing but zeros in it. */
static size_t
put_frame(uint8_t *p, size_t size, uint8_t type, uint8_t flags)
{
    memset(p, 0, 9 + size);
    p[1] = (uint8_t)(size >> 8);
    p[2] = (uint8_t)size;
    p[3] = type;
    p[4] = flags;
    return 9 + size;
}

static int
walk(ff_h2_frames *f, const uint8_t *p, size_t n, int64_t now)
{
    int why;

    ff_h2_frames_walk(f, p, n, now, &why);
    return why;
}

static void
begin(ff_h2_frames *f)
{
    ff_h2_frames_init(f);
    CHECK(walk(f, (const uint8_t *)FF_H2_PREFACE, FF_H2_PREFACE_BYTES, 1) == FF_H2_OK);
    CHECK(f->since == 0 && f->preface == 0);
}

static void
heads(void)
{
    ff_h2_head h;

    memset(&h, 0, sizeof h);
    request(&h);
    field(&h, "x", "y");
    CHECK(ff_h2_head_end(&h, 0) == FF_H2_GOOD);
    CHECK(is_text(&h, "GET /a HTTP/1.1\r\nhost: a.b\r\nx: y\r\n\r\n"));
    request(&h);
    CHECK(ff_h2_head_end(&h, 1) == FF_H2_GOOD);
    CHECK(is_text(&h, "GET /a HTTP/1.1\r\nhost: a.b\r\ntransfer-encoding: chunked\r\n\r\n"));
    request(&h);
    field(&h, "host", "A.B");
    CHECK(ff_h2_head_end(&h, 0) == FF_H2_GOOD);
    CHECK(is_text(&h, "GET /a HTTP/1.1\r\nhost: a.b\r\n\r\n"));
    request(&h);
    field(&h, "x", "a\r\nb: c");
    CHECK(ff_h2_head_end(&h, 0) == FF_H2_MALFORMED);
    request(&h);
    field(&h, "x", "y");
    field(&h, ":path", "/b");
    CHECK(ff_h2_head_end(&h, 0) == FF_H2_MALFORMED);
    h.limit = 200;
    request(&h);
    field(&h, "x", "y");
    field(&h, "z", "y");
    CHECK(ff_h2_head_end(&h, 0) == FF_H2_TOO_LARGE);
    CHECK(h.list == 4 * 32 + 7 + 11 + 12 + 12 + 2 * 34);
    h.limit = 0;
    ff_h2_head_clear(&h);
    field(&h, ":method", "CONNECT");
    field(&h, ":authority", "a.b:1");
    CHECK(ff_h2_head_end(&h, 1) == FF_H2_CONNECT);
    ff_h2_head_free(&h);
}

static void
frames(void)
{
    ff_h2_frames f;
    uint8_t bytes[300];
    size_t n = 0;
    int why;

    begin(&f);
    n += put_frame(bytes, 100, 1, 4);      /* HEADERS */
    n += put_frame(bytes + n, 50, 0, 1);   /* DATA */
    for (size_t at = 0; at < n; at++) {    /* byte by byte */
        CHECK(ff_h2_frames_walk(&f, bytes + at, 1, 5 + (int64_t)at, &why) == 1);
        CHECK(why == FF_H2_OK);
        CHECK(f.since == (at < 108 ? 5 : at < 109 ? 0 : at < 117 ? 114 : 0));
        CHECK(ff_h2_frames_cut(&f) == (at < 8 ? at + 1 : at >= 109 && at < 117 ? at - 108 : 0));
    }
    begin(&f);
    n = put_frame(bytes, 8, 6, 0); /* PING */
    for (int i = 0; i < FF_H2_IDLE; i++)
        CHECK(walk(&f, bytes, n, 2) == FF_H2_OK);
    CHECK(ff_h2_frames_walk(&f, bytes, n, 2, &why) == 0);
    CHECK(why == FF_H2_TOO_MANY_IDLE);
    begin(&f);
    for (int i = 0; i < 5000; i++) /* 100 a second are borne for ever */
        CHECK(walk(&f, bytes, n, 1 + (int64_t)i * 10000000) == FF_H2_OK);
    begin(&f);
    n = put_frame(bytes, 3, 0, 8);
    bytes[9] = 2; /* padding and nothing else */
    for (int i = 0; i < FF_H2_IDLE; i++)
        CHECK(walk(&f, bytes, n, 2) == FF_H2_OK);
    CHECK(walk(&f, bytes, n, 2) == FF_H2_TOO_MANY_IDLE);
    begin(&f);
    n = put_frame(bytes, 4, 3, 0); /* RST_STREAM */
    for (int i = 0; i < FF_H2_RESETS; i++)
        CHECK(walk(&f, bytes, n, 2) == FF_H2_OK);
    CHECK(walk(&f, bytes, n, 2) == FF_H2_TOO_MANY_RESETS);
}

void
test_http2(void)
{
    heads();
    frames();
}
