/* fuzz_websocket.c -- libFuzzer target for WebSocket frames: read them or refuse them.
 *
 * The first byte says whether frames may be compressed and how large the pieces are, the rest is what
 * a client sends.  More bytes must never change a verdict, masks must be their own inverse at any
 * phase, and UTF-8 must not depend on the cuts. */
#include "fuzz.h"
#include "ws/frames.h"
#include "ws/utf8.h"

static ptrdiff_t
read_exact(const char *p, size_t n, int deflate, ff_ws_head *h)
{
    char *own = exact_copy(p, n);
    ptrdiff_t rc = ff_ws_read_head(own, n, deflate, h);

    MUST(rc == FF_NEED_DATA || (rc >= 6 && rc <= FF_WS_HEAD_MAX && (size_t)rc <= n)
         || (rc <= FF_WS_RESERVED_BIT && rc >= FF_WS_LENGTH));
    MUST(rc != FF_NEED_DATA || n < FF_WS_HEAD_MAX);
    free(own);
    return rc;
}

static void
check_head(const char *p, ptrdiff_t size, const ff_ws_head *h, int deflate)
{
    char again[FF_WS_HEAD_MAX];
    int first = h->opcode | (h->fin ? FF_WS_FIN : 0) | (h->rsv1 ? FF_WS_RSV1 : 0);
    size_t n = ff_ws_write_head(again, first, h->length);

    MUST((ptrdiff_t)n + 4 == size);
    again[1] = (char)(again[1] | 0x80);
    MUST(memcmp(again, p, n) == 0 && memcmp(h->key, p + n, 4) == 0);
    MUST(h->length <= INT64_MAX);
    MUST(!h->rsv1 || (deflate && (h->opcode == FF_WS_TEXT || h->opcode == FF_WS_BINARY)));
    MUST(!ff_ws_is_control(h->opcode) || (h->fin && h->length <= FF_WS_CONTROL_MAX));
}

/* Unmasks n bytes in pieces, and says whether they are UTF-8 so far. */
static void
check_payload(const char *p, size_t n, const ff_ws_head *h, size_t step)
{
    char *whole = exact_copy(p, n), *pieces = exact_copy(p, n), *ascii = exact_copy(p, n);
    uint8_t state = FF_UTF8_WHOLE;
    size_t plain, high = 0;

    ff_ws_unmask(whole, p, n, h->key, 0);
    for (size_t at = 0; at < n; at += step) {
        size_t size = n - at < step ? n - at : step;

        ff_ws_unmask(pieces + at, pieces + at, size, h->key, at);
        state = ff_utf8_after(state, pieces + at, size);
    }
    MUST(memcmp(whole, pieces, n) == 0);
    MUST(state == ff_utf8_after(FF_UTF8_WHOLE, whole, n));
    while (high < n && !(whole[high] & 0x80))
        high++;
    plain = ff_ws_unmask_ascii(ascii, p, n, h->key);
    MUST(plain <= high && high - plain < 64 && (plain == n) == (high == n));
    MUST(memcmp(ascii, whole, plain) == 0);
    MUST(high < n || state == FF_UTF8_WHOLE);
    ff_ws_unmask(whole, whole, n, h->key, 0);
    MUST(memcmp(whole, p, n) == 0);
    free(whole);
    free(pieces);
    free(ascii);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data + 1, *end = (const char *)data + size;
    ff_ws_head h, part;
    int deflate;
    size_t step;

    if (size < 1)
        return 0;
    deflate = data[0] & 1;
    step = (data[0] >> 1) + 1u;
    while (p < end) {
        size_t left = (size_t)(end - p), n;
        ptrdiff_t rc = read_exact(p, left, deflate, &h);

        for (size_t cut = 0; cut < left && cut < FF_WS_HEAD_MAX; cut++) {
            ptrdiff_t early = read_exact(p, cut, deflate, &part);

            MUST(early == FF_NEED_DATA || early == rc);
        }
        if (rc < 0)
            return 0;
        check_head(p, rc, &h, deflate);
        p += rc;
        left -= (size_t)rc;
        n = h.length < left ? (size_t)h.length : left;
        check_payload(p, n, &h, step);
        p += n;
    }
    return 0;
}
