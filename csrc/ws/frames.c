/* frames.c -- see frames.h. */
#include "ws/frames.h"

#include <string.h>

#include "http1/lanes.h"

/* The number of n bytes at p, most significant first. */
static uint64_t
read_number(const unsigned char *p, size_t n)
{
    uint64_t value = 0;

    while (n--)
        value = value << 8 | *p++;
    return value;
}

/* Is this first byte one that a client may send?  0 or a code. */
static int
check_first(unsigned char first, int deflate)
{
    int opcode = first & 0x0f;

    if (first & 0x30)
        return FF_WS_RESERVED_BIT;
    if (first & FF_WS_RSV1 && (!deflate || (opcode != FF_WS_TEXT && opcode != FF_WS_BINARY)))
        return FF_WS_RESERVED_BIT;
    if ((opcode > FF_WS_BINARY && opcode < FF_WS_CLOSE) || opcode > FF_WS_PONG)
        return FF_WS_OPCODE;
    if (ff_ws_is_control(opcode) && !(first & FF_WS_FIN))
        return FF_WS_CONTROL_FRAGMENTED;
    return 0;
}

ptrdiff_t
ff_ws_read_head(const char *p, size_t n, int deflate, ff_ws_head *h)
{
    const unsigned char *b = (const unsigned char *)p;
    size_t extra, size;
    uint64_t length;
    int rc;

    if (n == 0)
        return FF_NEED_DATA;
    rc = check_first(b[0], deflate);
    if (rc)
        return rc;
    if (n == 1)
        return FF_NEED_DATA;
    if (!(b[1] & 0x80))
        return FF_WS_NOT_MASKED;
    length = b[1] & 0x7f;
    if (ff_ws_is_control(b[0] & 0x0f) && length > FF_WS_CONTROL_MAX)
        return FF_WS_CONTROL_TOO_LONG;
    extra = length < 126 ? 0 : length == 126 ? 2 : 8;
    if (extra == 8 && n > 2 && b[2] & 0x80)
        return FF_WS_LENGTH;
    if (n < 2 + extra)
        return FF_NEED_DATA;
    if (extra) {
        length = read_number(b + 2, extra);
        if (length < (extra == 2 ? 126u : 65536u))
            return FF_WS_LENGTH;
    }
    size = 2 + extra + 4;
    if (n < size)
        return FF_NEED_DATA;
    memcpy(h->key, b + size - 4, 4);
    h->length = length;
    h->opcode = b[0] & 0x0f;
    h->fin = b[0] >> 7;
    h->rsv1 = (b[0] & FF_WS_RSV1) != 0;
    return (ptrdiff_t)size;
}

size_t
ff_ws_write_head(char *out, int first, uint64_t length)
{
    unsigned char *b = (unsigned char *)out;
    size_t extra = length < 126 ? 0 : length < 65536 ? 2 : 8;

    b[0] = (unsigned char)first;
    b[1] = (unsigned char)(extra == 0 ? length : extra == 2 ? 126 : 127);
    for (size_t i = 0; i < extra; i++)
        b[2 + i] = (unsigned char)(length >> 8 * (extra - 1 - i));
    return 2 + extra;
}

/* The key as it stands in memory four times over, from the byte on that belongs to `at`. */
static void
spread_key(unsigned char wide[16], const uint8_t key[4], uint64_t at)
{
    for (unsigned i = 0; i < 16; i++)
        wide[i] = key[(at + i) & 3];
}

void
ff_ws_unmask(char *to, const char *from, size_t n, const uint8_t key[4], uint64_t at)
{
    unsigned char wide[16];
    size_t i = 0;
    uint64_t word, mask;

    spread_key(wide, key, at);
#ifdef FF_LANES
    ff_lanes lanes = ff_load((const char *)wide);

    for (; n - i >= 16; i += 16)
        ff_store(to + i, ff_xor(ff_load(from + i), lanes));
#endif
    memcpy(&mask, wide, 8);
    for (; n - i >= 8; i += 8) {
        memcpy(&word, from + i, 8);
        word ^= mask;
        memcpy(to + i, &word, 8);
    }
    for (; i < n; i++)
        to[i] = (char)(from[i] ^ wide[i & 15]);
}

size_t
ff_ws_unmask_ascii(char *to, const char *from, size_t n, const uint8_t key[4])
{
    unsigned char wide[16];
    size_t i = 0;
    uint64_t word, mask;

    spread_key(wide, key, 0);
#ifdef FF_LANES
    ff_lanes lanes = ff_load((const char *)wide);

    for (; n - i >= 64; i += 64) {
        ff_lanes a = ff_xor(ff_load(from + i), lanes);
        ff_lanes b = ff_xor(ff_load(from + i + 16), lanes);
        ff_lanes c = ff_xor(ff_load(from + i + 32), lanes);
        ff_lanes d = ff_xor(ff_load(from + i + 48), lanes);

        if (ff_high_bits(ff_or(ff_or(a, b), ff_or(c, d))))
            return i;
        ff_store(to + i, a);
        ff_store(to + i + 16, b);
        ff_store(to + i + 32, c);
        ff_store(to + i + 48, d);
    }
#endif
    memcpy(&mask, wide, 8);
    for (; n - i >= 8; i += 8) {
        memcpy(&word, from + i, 8);
        word ^= mask;
        if (word & 0x8080808080808080u)
            return i;
        memcpy(to + i, &word, 8);
    }
    for (; i < n; i++) {
        to[i] = (char)(from[i] ^ wide[i & 15]);
        if (to[i] & 0x80)
            return i;
    }
    return n;
}

int
ff_ws_is_close_code(unsigned code)
{
    /* 1004 is reserved; 1005, 1006 and 1015 are for those who got no close frame.  1012 to 1014 are
     * in IANA's registry.  3000 to 3999 are registered, 4000 to 4999 anybody's. */
    if (code >= 3000)
        return code < 5000;
    return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

int
ff_ws_close_code(int code)
{
    switch (code) {
#define FF_WS_CLOSE_CODE_OF(name, number, close, text)                                             \
    case name:                                                                                     \
        return close;
        FF_WS_ERRORS(FF_WS_CLOSE_CODE_OF)
#undef FF_WS_CLOSE_CODE_OF
    }
    return 1011;
}

const char *
ff_ws_error_text(int code)
{
    switch (code) {
#define FF_WS_TEXT_OF(name, number, close, text)                                                   \
    case name:                                                                                     \
        return text;
        FF_WS_ERRORS(FF_WS_TEXT_OF)
#undef FF_WS_TEXT_OF
    }
    return "an error without a text";
}
