/* echo.h -- one frame of a WebSocket, and the frame that sends it back.  No sockets.
 *
 * Source: RFC 6455 section 5.2. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    WS_MASK = 4,       /* bytes of a mask */
    WS_HEAD = 14,      /* bytes before the payload of the largest frame that is masked */
    WS_LARGEST = 1 << 16,
    WS_CLOSE = 8       /* opcode */
};

struct websocket {
    size_t have; /* bytes of the frame that have come */
    char frame[WS_HEAD + WS_LARGEST];
};

/* Undo a mask, eight bytes at a time. */
static void
ws_unmask(char *p, size_t n, const char *mask)
{
    uint64_t twice, word;
    size_t i = 0;

    memcpy(&twice, mask, WS_MASK);
    memcpy((char *)&twice + WS_MASK, mask, WS_MASK);
    for (; i + 8 <= n; i += 8) {
        memcpy(&word, p + i, 8);
        word ^= twice;
        memcpy(p + i, &word, 8);
    }
    for (; i < n; i++)
        p[i] ^= mask[i & 3];
}

/* The size of the frame that sends back the one that has come, and where it is; 0 while that is
 * not whole, -1 when there is none: it closes, or is too large. */
static ptrdiff_t
ws_echo(struct websocket *ws, const char **echo)
{
    const unsigned char *p = (unsigned char *)ws->frame;
    size_t head, size;

    if (ws->have < 2)
        return 0;
    if ((p[0] & 0xf) == WS_CLOSE)
        return -1;
    size = p[1] & 0x7f;
    head = size == 127 ? 10 : size == 126 ? 4 : 2;
    if (ws->have < head)
        return 0;
    if (head > 2) {
        size = 0;
        for (size_t i = 2; i < head; i++)
            size = size << 8 | p[i];
    }
    if (size > WS_LARGEST)
        return -1;
    if (ws->have < head + WS_MASK + size)
        return 0;
    ws_unmask(ws->frame + head + WS_MASK, size, ws->frame + head);
    memmove(ws->frame + WS_MASK, ws->frame, head); /* over the mask, which it leaves out */
    ws->frame[WS_MASK + 1] &= 0x7f;
    ws->have = 0;
    *echo = ws->frame + WS_MASK;
    return (ptrdiff_t)(head + size);
}
