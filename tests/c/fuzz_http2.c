/* fuzz_http2.c -- libFuzzer target for HTTP/2: frames counted in any cuts, field sections as heads.
 *
 * The first byte is the size of the pieces.  What follows are frames to the one, and to the other
 * fields: a byte for the length of a name, the name, a byte for the length of a value, the value. */
#include "fuzz.h"
#include "http2/frames.h"
#include "http2/head.h"
#include "http1/scan.h"

static void
check_frames(const uint8_t *p, size_t n, size_t step)
{
    ff_h2_frames whole, pieces;
    size_t good, at = 0, part = 0;
    int why, why_in_pieces = FF_H2_OK;

    ff_h2_frames_init(&whole);
    ff_h2_frames_init(&pieces);
    whole.preface = pieces.preface = 0;
    good = ff_h2_frames_walk(&whole, p, n, 7, &why);
    MUST(good <= n && (good == n || why != FF_H2_OK));
    while (at < n && why_in_pieces == FF_H2_OK) {
        size_t size = n - at < step ? n - at : step;

        part = ff_h2_frames_walk(&pieces, p + at, size, 7, &why_in_pieces);
        MUST(part <= size);
        at += part;
    }
    MUST(why == why_in_pieces);
    if (why == FF_H2_OK)
        MUST(memcmp(&whole.left, &pieces.left, sizeof whole.left) == 0 &&
             whole.have == pieces.have && whole.since == pieces.since &&
             whole.block == pieces.block && whole.idle.full_ns == pieces.idle.full_ns);
    else
        MUST(at >= good && at - good < FF_H2_HEAD_BYTES);
    MUST(*ff_h2_why(why));
}

/* One line a field, and the scanners find exactly those. */
static void
check_head(const ff_h2_head *h, size_t others)
{
    static const ff_limits none = {0, 0, 0, 0, FF_PERMIT_METHOD};
    ff_field fields[4096];
    ff_head head = {.fields = fields, .capacity = 4096};
    char *own = exact_copy(h->text, h->size);
    ptrdiff_t used = ff_scan_head(own, h->size, &none, &head);

    MUST(used < 0 || used == (ptrdiff_t)h->size);
    /* What is refused is the target; lines are what they were made as. */
    MUST(used > 0 || used == FF_BAD_TARGET || used == FF_NUL_IN_PATH || used == FF_BAD_METHOD ||
         used == FF_CONNECT_NOT_SUPPORTED);
    MUST(used < 0 || (head.start == 0 && head.minor == 1 && head.nfields <= others + 4));
    free(own);
}

static void
check_fields(const uint8_t *p, size_t n, int has_body)
{
    ff_h2_head h;
    size_t others = 0;

    memset(&h, 0, sizeof h);
    h.limit = 4000;
    for (int round = 0; round < 2; round++) {
        const uint8_t *at = p, *end = p + n;

        ff_h2_head_clear(&h);
        others = 0;
        while (end - at >= 2) {
            size_t name_size = at[0] & 31, value_size;
            char *name, *value;

            if ((size_t)(end - at) < 2 + name_size)
                break;
            value_size = at[1 + name_size];
            if ((size_t)(end - at) < 2 + name_size + value_size)
                break;
            name = exact_copy((const char *)at + 1, name_size);
            value = exact_copy((const char *)at + 2 + name_size, value_size);
            ff_h2_head_field(&h, name, name_size, value, value_size);
            others += name_size == 0 || *name != ':';
            free(name);
            free(value);
            at += 2 + name_size + value_size;
        }
        if (ff_h2_head_end(&h, has_body) == FF_H2_GOOD)
            check_head(&h, others);
        MUST(h.verdict <= FF_H2_CONNECT && h.verdict != FF_H2_NO_MEMORY && h.size <= h.room);
    }
    ff_h2_head_free(&h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    check_frames(data + 1, size - 1, (size_t)(data[0] & 63) + 1);
    check_fields(data + 1, size - 1, data[0] >> 7);
    return 0;
}
