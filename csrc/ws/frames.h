/* frames.h -- frames of the WebSocket protocol (RFC 6455 section 5) as a server reads and writes
 * them.
 *
 * No allocation, no state but what the caller holds, no Python.h.  A header is refused at the first
 * byte that none may have at that place, whatever has come of the rest. */
#ifndef FF_WS_FRAMES_H
#define FF_WS_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "http1/errors.h"

#define FF_WS_HEAD_MAX 14     /* bytes: 2, a length of 8, a key of 4 */
#define FF_WS_CONTROL_MAX 125 /* bytes of payload of a control frame: section 5.5 */

/* What a connection can fail for: name, code, close code to send (section 7.4.1), reason to send.
 * No reason has bytes of the client's. */
#define FF_WS_ERRORS(X)                                                                           \
    X(FF_WS_RESERVED_BIT, -100, 1002, "a reserved bit is set")                                     \
    X(FF_WS_OPCODE, -101, 1002, "an opcode that is reserved")                                      \
    X(FF_WS_CONTROL_FRAGMENTED, -102, 1002, "a control frame is fragmented")                       \
    X(FF_WS_CONTROL_TOO_LONG, -103, 1002, "a control frame is longer than 125 bytes")              \
    X(FF_WS_NOT_MASKED, -104, 1002, "a frame of a client is not masked")                           \
    X(FF_WS_LENGTH, -105, 1002, "a length is not in its shortest form, or has 64 bits")            \
    X(FF_WS_NOTHING_TO_CONTINUE, -106, 1002, "a continuation without a message")                   \
    X(FF_WS_NOT_CONTINUED, -107, 1002, "a message begins inside another")                          \
    X(FF_WS_CLOSE_PAYLOAD, -108, 1002, "a close frame of one byte")                                \
    X(FF_WS_CLOSE_CODE, -109, 1002, "a close code that must not be sent")                          \
    X(FF_WS_NOT_UTF8, -110, 1007, "text is not UTF-8")                                             \
    X(FF_WS_NOT_DEFLATED, -111, 1007, "a compressed message cannot be inflated")                   \
    X(FF_WS_TOO_BIG, -112, 1009, "a message is larger than is taken")

enum {
#define FF_WS_ENUM(name, code, close, text) name = code,
    FF_WS_ERRORS(FF_WS_ENUM)
#undef FF_WS_ENUM
};

enum {
    FF_WS_CONTINUATION = 0,
    FF_WS_TEXT = 1,
    FF_WS_BINARY = 2,
    FF_WS_CLOSE = 8,
    FF_WS_PING = 9,
    FF_WS_PONG = 10,
};

/* What a first byte may have besides an opcode. */
enum { FF_WS_RSV1 = 0x40, FF_WS_FIN = 0x80 };

typedef struct {
    uint64_t length; /* bytes of payload, below 2^63 */
    uint8_t key[4];  /* that the payload is masked with */
    uint8_t opcode;
    uint8_t fin;  /* 1: the last fragment, or all, of a message; of control frames always */
    uint8_t rsv1; /* 1: the message is compressed (RFC 7692 section 6) */
} ff_ws_head;

static inline int
ff_ws_is_control(int opcode)
{
    return opcode >= FF_WS_CLOSE;
}

/* The header at p of a frame from a client.  Returns its length, FF_NEED_DATA or a code above; *h
 * is written on success only.  Reads [p, p + n) and nothing else.
 *
 * deflate: whether RSV1 may be set, on the first frame of a message. */
ptrdiff_t ff_ws_read_head(const char *p, size_t n, int deflate, ff_ws_head *h);

/* Writes the header of a frame to a client, which is not masked.  Returns its length, at most 10.
 *
 * first: opcode, with FF_WS_FIN and FF_WS_RSV1 where they are to be set. */
size_t ff_ws_write_head(char *out, int first, uint64_t length);

/* Writes n bytes at `from` to `to`, unmasked.  Both are the same place, or do not overlap.
 *
 * at: how many bytes of the frame's payload came before these.  For another piece go on with it. */
void ff_ws_unmask(char *to, const char *from, size_t n, const uint8_t key[4], uint64_t at);

/* The same for bytes at the beginning of a frame, as long as what they mean is ASCII.  Returns how
 * many bytes of ASCII have been written for certain: n, or fewer when something else is among
 * those that follow.  More than that may have been written to `to`, never beyond n. */
size_t ff_ws_unmask_ascii(char *to, const char *from, size_t n, const uint8_t key[4]);

/* May a close frame have this code (section 7.4)?  Those that say something of a connection
 * without a close frame, and those that mean nothing to anybody, may not. */
int ff_ws_is_close_code(unsigned code);

/* Close code to send for an error above; 1011 for a code that is none of them. */
int ff_ws_close_code(int code);

/* Reason to send with it: one line of English. */
const char *ff_ws_error_text(int code);

#endif
