/* proxy_protocol.c -- see proxy_protocol.h. */
#include "net/proxy_protocol.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

enum {
    SIGNATURE = 12,
    FIXED = 16, /* signature, version and command, family, length */
    PROXY = 0x21,
    LOCAL = 0x20,
    TLV_HEAD = 3,
    ADDRESSES_IN = 12,
    ADDRESSES_IN6 = 36,
    ADDRESSES_UNIX = 216,
};

static const char SIGNATURE_V2[SIGNATURE + 1] = "\r\n\r\n\0\r\nQUIT\n";

/* Bytes of p that agree with the word, n at most. */
static size_t
agrees(const char *p, size_t n, const char *word, size_t size)
{
    size_t i = 0;

    while (i < n && i < size && p[i] == word[i])
        i++;
    return i;
}

/* The word at *p up to the byte `after` it: *p is moved behind that one.  Returns its length, or
 * 0 when it is empty, longer than `most` or not followed by `after`. */
static size_t
take_word(const char **p, const char *end, char after, size_t most, const char **word)
{
    const char *q = *p;

    *word = q;
    while (q < end && *q != ' ' && *q != '\r')
        q++;
    if (q == end || *q != after || (size_t)(q - *p) > most)
        return 0;
    *p = q + 1;
    return (size_t)(q - *word);
}

/* One address, checked and written in its canonical form.  0 when it is none. */
static int
take_address(const char **p, const char *end, int family, char *text)
{
    const char *word;
    char own[FF_PREFACE_TEXT_MAX];
    unsigned char raw[16];
    size_t n = take_word(p, end, ' ', sizeof own - 1, &word);

    if (n == 0)
        return 0;
    memcpy(own, word, n);
    own[n] = 0;
    if (inet_pton(family, own, raw) != 1)
        return 0;
    return inet_ntop(family, raw, text, FF_PREFACE_TEXT_MAX) != NULL;
}

/* 0 to 65535 in its shortest form. */
static int
take_port(const char **p, const char *end, char after, uint16_t *port)
{
    const char *word;
    size_t n = take_word(p, end, after, 5, &word);
    uint32_t value = 0;

    if (n == 0 || (n > 1 && word[0] == '0'))
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (word[i] < '0' || word[i] > '9')
            return 0;
        value = value * 10 + (uint32_t)(word[i] - '0');
    }
    if (value > 65535)
        return 0;
    *port = (uint16_t)value;
    return 1;
}

/* Is this the beginning of a line that some preface begins with? */
static int
may_begin(const char *p, size_t n)
{
    static const char *const lines[] = {"PROXY TCP4 ", "PROXY TCP6 ", "PROXY UNKNOWN ",
                                        "PROXY UNKNOWN\r\n"};

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        size_t size = strlen(lines[i]);

        if (agrees(p, n, lines[i], size) == (n < size ? n : size))
            return 1;
    }
    return 0;
}

/* What stands between "PROXY " and the CR at end - 1; its first word is known to be right. */
static int
read_words(const char *p, const char *end, ff_preface *f)
{
    int family = p[3] == '4' ? AF_INET : AF_INET6;

    if (*p == 'U') {
        f->kind = FF_PREFACE_UNKNOWN; /* "the receiver must ignore anything" that follows */
        return 1;
    }
    f->kind = family == AF_INET ? FF_PREFACE_TCP4 : FF_PREFACE_TCP6;
    p += 5;
    return take_address(&p, end, family, f->source) && take_address(&p, end, family, f->target) &&
           take_port(&p, end, ' ', &f->source_port) && take_port(&p, end, '\r', &f->target_port);
}

static ptrdiff_t
read_v1(const char *p, size_t n, ff_preface *f)
{
    size_t most = n < FF_PREFACE_V1_MAX ? n : FF_PREFACE_V1_MAX, i;
    ff_preface found = {.version = 1};

    if (!may_begin(p, n))
        return FF_BAD_PREFACE;
    for (i = 0; i < most && p[i] != '\r'; i++)
        if ((unsigned char)p[i] < 0x20 || (unsigned char)p[i] > 0x7e)
            return FF_BAD_PREFACE;
    if (i + 1 >= FF_PREFACE_V1_MAX)
        return FF_BAD_PREFACE; /* too long, with or without the LF to come */
    if (i == most || i + 1 == most)
        return FF_NEED_DATA;
    if (p[i + 1] != '\n' || !read_words(p + 6, p + i + 1, &found))
        return FF_BAD_PREFACE;
    *f = found;
    return (ptrdiff_t)i + 2;
}

size_t
ff_next_tlv(const char *p, uint8_t *type, const char **value, size_t *len)
{
    const unsigned char *u = (const unsigned char *)p;

    *type = u[0];
    *len = (size_t)u[1] << 8 | u[2];
    *value = p + TLV_HEAD;
    return TLV_HEAD + *len;
}

/* Do the TLVs at p fill the bytes up to end? */
static int
tlvs_fit(const char *p, const char *end)
{
    while (p < end) {
        size_t left = (size_t)(end - p), len;
        const char *value;
        uint8_t type;

        if (left < TLV_HEAD || ff_next_tlv(p, &type, &value, &len) > left)
            return 0;
        p += TLV_HEAD + len;
    }
    return 1;
}

/* Kind of a family byte, and how many bytes its addresses take; -1 when it is refused. */
static int
kind_of(unsigned char family, size_t *size)
{
    *size = 0;
    switch (family) {
    case 0x00:
        return FF_PREFACE_UNKNOWN;
    case 0x11:
        *size = ADDRESSES_IN;
        return FF_PREFACE_TCP4;
    case 0x21:
        *size = ADDRESSES_IN6;
        return FF_PREFACE_TCP6;
    case 0x31:
        *size = ADDRESSES_UNIX;
        return FF_PREFACE_UNIX;
    }
    return -1;
}

static uint16_t
two_bytes(const char *p)
{
    return (uint16_t)((unsigned char)p[0] << 8 | (unsigned char)p[1]);
}

static void
read_addresses(const char *p, ff_preface *f)
{
    int family = f->kind == FF_PREFACE_TCP4 ? AF_INET : AF_INET6;
    size_t n = family == AF_INET ? 4 : 16;

    inet_ntop(family, p, f->source, sizeof f->source);
    inet_ntop(family, p + n, f->target, sizeof f->target);
    f->source_port = two_bytes(p + 2 * n);
    f->target_port = two_bytes(p + 2 * n + 2);
}

static ptrdiff_t
read_v2(const char *p, size_t n, ff_preface *f)
{
    ff_preface found = {.version = 2, .kind = FF_PREFACE_LOCAL};
    size_t length, size = 0;
    int kind = FF_PREFACE_LOCAL;

    if (agrees(p, n, SIGNATURE_V2, SIGNATURE) < (n < SIGNATURE ? n : (size_t)SIGNATURE))
        return FF_BAD_PREFACE;
    if (n > 12 && p[12] != PROXY && p[12] != LOCAL)
        return FF_BAD_PREFACE;
    /* Of LOCAL "the receiver must ignore" family and addresses. */
    if (n > 13 && p[12] == PROXY && (kind = kind_of((unsigned char)p[13], &size)) < 0)
        return FF_BAD_PREFACE;
    if (n < FIXED)
        return FF_NEED_DATA;
    length = two_bytes(p + 14);
    if (length < size || length > FF_PREFACE_V2_MAX)
        return FF_BAD_PREFACE;
    if (n < FIXED + length)
        return FF_NEED_DATA;
    found.kind = (uint8_t)kind;
    if (kind != FF_PREFACE_LOCAL && tlvs_fit(p + FIXED + size, p + FIXED + length)) {
        found.tlvs.at = (uint32_t)(FIXED + size);
        found.tlvs.len = (uint32_t)(length - size);
    } else if (size > 0) {
        return FF_BAD_PREFACE; /* behind UNSPEC there may be addresses of any form */
    }
    if (kind == FF_PREFACE_TCP4 || kind == FF_PREFACE_TCP6)
        read_addresses(p + FIXED, &found);
    *f = found;
    return (ptrdiff_t)(FIXED + length);
}

ptrdiff_t
ff_read_preface(const char *p, size_t n, int versions, ff_preface *f)
{
    if (n == 0)
        return FF_NEED_DATA;
    if (*p == 'P' && (versions & FF_PREFACE_V1))
        return read_v1(p, n, f);
    if (*p == '\r' && (versions & FF_PREFACE_V2))
        return read_v2(p, n, f);
    return FF_BAD_PREFACE;
}
