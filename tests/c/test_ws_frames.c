/* test_ws_frames.c -- headers of WebSocket frames, masks and close codes, at guard pages. */
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "ws/frames.h"

#define LONGEST 200 /* bytes that are unmasked: more than three rounds of the widest loop */

static const struct {
    const char *name, *bytes;
    size_t n;
    int deflate;
    ptrdiff_t want;
} HEADS[] = {
    {"text of five bytes", BYTES("\x81\x85\1\2\3\4"), 0, 6},
    {"a frame behind it", BYTES("\x81\x85\1\2\3\4Hello\x81\x80"), 0, 6},
    {"binary", BYTES("\x82\x80\1\2\3\4"), 0, 6},
    {"a first fragment", BYTES("\x01\x80\1\2\3\4"), 0, 6},
    {"a continuation", BYTES("\x80\x80\1\2\3\4"), 0, 6},
    {"126 bytes", BYTES("\x82\xfe\0\x7e\1\2\3\4"), 0, 8},
    {"65535 bytes", BYTES("\x82\xfe\xff\xff\1\2\3\4"), 0, 8},
    {"65536 bytes", BYTES("\x82\xff\0\0\0\0\0\1\0\0\1\2\3\4"), 0, 14},
    {"63 bits", BYTES("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\1\2\3\4"), 0, 14},
    {"64 bits", BYTES("\x82\xff\x80\0\0\0\0\0\0\0\1\2\3\4"), 0, FF_WS_LENGTH},
    {"64 bits, at once", BYTES("\x82\xff\x80"), 0, FF_WS_LENGTH},
    {"125 in two bytes", BYTES("\x82\xfe\0\x7d\1\2\3\4"), 0, FF_WS_LENGTH},
    {"65535 in eight bytes", BYTES("\x82\xff\0\0\0\0\0\0\xff\xff\1\2\3\4"), 0, FF_WS_LENGTH},
    {"no mask", BYTES("\x81\x05"), 0, FF_WS_NOT_MASKED},
    {"close", BYTES("\x88\x82\1\2\3\4"), 0, 6},
    {"ping of 125 bytes", BYTES("\x89\xfd\1\2\3\4"), 0, 6},
    {"ping of 126 bytes", BYTES("\x89\xfe"), 0, FF_WS_CONTROL_TOO_LONG},
    {"pong of many bytes", BYTES("\x8a\xff"), 0, FF_WS_CONTROL_TOO_LONG},
    {"a fragment of a ping", BYTES("\x09"), 0, FF_WS_CONTROL_FRAGMENTED},
    {"a fragment of a close", BYTES("\x08"), 0, FF_WS_CONTROL_FRAGMENTED},
    {"opcode 3", BYTES("\x83"), 0, FF_WS_OPCODE},
    {"opcode 7", BYTES("\x87"), 0, FF_WS_OPCODE},
    {"opcode 11", BYTES("\x8b"), 0, FF_WS_OPCODE},
    {"opcode 15", BYTES("\x8f"), 0, FF_WS_OPCODE},
    {"RSV1 that nobody agreed to", BYTES("\xc1"), 0, FF_WS_RESERVED_BIT},
    {"RSV2", BYTES("\xa1"), 1, FF_WS_RESERVED_BIT},
    {"RSV3", BYTES("\x91"), 1, FF_WS_RESERVED_BIT},
    {"compressed text", BYTES("\xc1\x80\1\2\3\4"), 1, 6},
    {"compressed first fragment", BYTES("\x42\x80\1\2\3\4"), 1, 6},
    {"RSV1 in a continuation", BYTES("\xc0"), 1, FF_WS_RESERVED_BIT},
    {"RSV1 in a ping", BYTES("\xc9"), 1, FF_WS_RESERVED_BIT},
    {"RSV1 in a reserved opcode", BYTES("\xc3"), 1, FF_WS_RESERVED_BIT},
};

static void
test_heads(void)
{
    for (size_t i = 0; i < sizeof HEADS / sizeof *HEADS; i++) {
        ff_ws_head h;
        size_t n = HEADS[i].n;
        int deflate = HEADS[i].deflate;
        ptrdiff_t want = HEADS[i].want;
        ptrdiff_t got = ff_ws_read_head(before_guard(HEADS[i].bytes, n), n, deflate, &h);

        check(got == want, "frame", HEADS[i].name, "%s", verdict(got));
        got = ff_ws_read_head(after_guard(HEADS[i].bytes, n), n, deflate, &h);
        check(got == want, "frame, more behind it", HEADS[i].name, "%s", verdict(got));
        for (size_t cut = 0; cut < n; cut++) {
            got = ff_ws_read_head(before_guard(HEADS[i].bytes, cut), cut, deflate, &h);
            check(got == want || got == FF_NEED_DATA, "cut frame", HEADS[i].name, "%s at %zu",
                  verdict(got), cut);
            check(want < 0 || (got == want) == (cut >= (size_t)want), "cut frame", HEADS[i].name,
                  "another verdict at %zu", cut);
        }
    }
}

/* The rules in the order of RFC 6455 section 5.2, for a frame that is masked. */
static int
is_first(unsigned first, int deflate)
{
    unsigned opcode = first & 15;

    if (first & 0x30 || (opcode > 2 && opcode < 8) || opcode > 10)
        return 0;
    if (first & 0x40 && !(deflate && (opcode == 1 || opcode == 2)))
        return 0;
    return opcode < 8 || first & 0x80;
}

static void
test_every_first_byte(void)
{
    char frame[14] = {0};

    for (int deflate = 0; deflate < 2; deflate++)
        for (unsigned first = 0; first < 256; first++)
            for (unsigned second = 0; second < 256; second++) {
                ff_ws_head h;
                ptrdiff_t got;
                unsigned short_length = second & 0x7f;
                int good = is_first(first, deflate) && second & 0x80;
                char name[32];

                good = good && (short_length < 126 || (first & 15) < 8);
                frame[0] = (char)first;
                frame[1] = (char)second;
                frame[short_length == 126 ? 2 : 4] = 1; /* as long as this form is for */
                got = ff_ws_read_head(before_guard(frame, sizeof frame), sizeof frame, deflate, &h);
                frame[2] = frame[4] = 0;
                snprintf(name, sizeof name, "%02x %02x", first, second);
                check((got > 0) == good, "first bytes", name, "%s", verdict(got));
                if (got <= 0)
                    continue;
                check(h.opcode == (first & 15) && h.fin == first >> 7, "first bytes", name, "read");
                check(h.rsv1 == (first >> 6 & 1), "first bytes", name, "RSV1");
            }
}

static void
test_written_heads(void)
{
    static const uint64_t LENGTHS[] = {0,     1,     125,        126,       127, 65535,
                                       65536, 70000, 4294967296, INT64_MAX};

    for (size_t i = 0; i < sizeof LENGTHS / sizeof *LENGTHS; i++) {
        char out[FF_WS_HEAD_MAX], name[32];
        size_t n = ff_ws_write_head(out, FF_WS_FIN | FF_WS_BINARY, LENGTHS[i]);
        ff_ws_head h;
        ptrdiff_t got;

        snprintf(name, sizeof name, "%llu bytes", (unsigned long long)LENGTHS[i]);
        check(n <= 10 && !(out[1] & 0x80), "written", name, "masked, or %zu bytes", n);
        out[1] = (char)(out[1] | 0x80); /* as a client would have sent it */
        memcpy(out + n, "\1\2\3\4", 4);
        got = ff_ws_read_head(before_guard(out, n + 4), n + 4, 0, &h);
        check(got == (ptrdiff_t)n + 4, "written", name, "%s", verdict(got));
        check(h.length == LENGTHS[i] && h.opcode == FF_WS_BINARY && h.fin, "written", name, "read");
        check(memcmp(h.key, "\1\2\3\4", 4) == 0, "written", name, "another key");
    }
}

static const uint8_t KEY[4] = {0xa1, 0x52, 0x0f, 0x97};

static void
test_masks(void)
{
    char text[LONGEST], want[LONGEST], room[LONGEST + 16];
    uint64_t state = 88172645463325252u;

    for (size_t n = 0; n <= LONGEST; n++)
        for (uint64_t at = 0; at < 20; at++) {
            char name[32], *place;

            for (size_t i = 0; i < n; i++) {
                text[i] = (char)random_bits(&state);
                want[i] = (char)(text[i] ^ KEY[(at + i) % 4]);
            }
            snprintf(name, sizeof name, "%zu bytes at %u", n, (unsigned)at);
            place = (char *)before_guard(text, n);
            ff_ws_unmask(place, place, n, KEY, at);
            check(memcmp(place, want, n) == 0, "mask in place", name, "differs");
            memset(room, 'x', sizeof room);
            ff_ws_unmask(room + 1, after_guard(text, n), n, KEY, at);
            check(memcmp(room + 1, want, n) == 0, "mask elsewhere", name, "differs");
            check(room[0] == 'x' && room[n + 1] == 'x', "mask elsewhere", name, "out of bounds");
        }
}

static void
test_masks_of_ascii(void)
{
    char text[LONGEST] = {0}, masked[LONGEST], room[LONGEST + 1];

    for (size_t n = 0; n <= LONGEST; n++) {
        char name[32];
        size_t got;

        for (size_t i = 0; i < n; i++)
            text[i] = (char)(' ' + i % 90);
        ff_ws_unmask(masked, text, n, KEY, 0);
        snprintf(name, sizeof name, "%zu bytes", n);
        room[n] = 'x';
        got = ff_ws_unmask_ascii(room, before_guard(masked, n), n, KEY);
        check(got == n && memcmp(room, text, n) == 0, "ASCII", name, "%zu", got);
        check(room[n] == 'x', "ASCII", name, "out of bounds");
        for (size_t bad = 0; bad < n; bad++) {
            masked[bad] ^= (char)0x80;
            got = ff_ws_unmask_ascii(room, before_guard(masked, n), n, KEY);
            masked[bad] ^= (char)0x80;
            check(got <= bad && bad - got < 64, "not ASCII", name, "%zu for %zu", got, bad);
            check(memcmp(room, text, got) == 0, "not ASCII", name, "differs");
        }
    }
}

static void
test_close_codes(void)
{
    static const unsigned GOOD[][2] = {{1000, 1003}, {1007, 1014}, {3000, 4999}};

    for (unsigned code = 0; code < 65536; code++) {
        char name[16];
        int want = 0;

        for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++)
            want |= code >= GOOD[i][0] && code <= GOOD[i][1];
        snprintf(name, sizeof name, "%u", code);
        check(ff_ws_is_close_code(code) == want, "close code", name, "not %d", want);
    }
}

static void
test_table(void)
{
    static const int CODES[] = {
#define FF_CODE(name, code, close, text) code,
        FF_WS_ERRORS(FF_CODE)
#undef FF_CODE
    };

    for (size_t i = 0; i < sizeof CODES / sizeof *CODES; i++) {
        int close = ff_ws_close_code(CODES[i]);
        const char *text = ff_ws_error_text(CODES[i]);
        char name[16];

        snprintf(name, sizeof name, "%d", CODES[i]);
        check(close == 1002 || close == 1007 || close == 1009, "errors", name, "%d", close);
        check(strlen(text) > 5 && strlen(text) <= FF_WS_CONTROL_MAX - 2, "errors", name, "text");
        check(strcmp(text, ff_ws_error_text(0)) != 0, "errors", name, "no text");
        for (size_t k = 0; k < i; k++)
            check(CODES[k] != CODES[i], "errors", name, "the number is used twice");
    }
    check(ff_ws_close_code(0) == 1011, "errors", "none", "%d", ff_ws_close_code(0));
    check(ff_ws_close_code(FF_WS_NOT_UTF8) == 1007, "errors", "UTF-8", "not 1007");
    check(ff_ws_close_code(FF_WS_TOO_BIG) == 1009, "errors", "size", "not 1009");
    check(ff_ws_close_code(FF_WS_OPCODE) == 1002, "errors", "opcode", "not 1002");
}

void
test_ws_frames(void)
{
    test_heads();
    test_every_first_byte();
    test_written_heads();
    test_masks();
    test_masks_of_ascii();
    test_close_codes();
    test_table();
}
