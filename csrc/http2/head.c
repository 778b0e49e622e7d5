/* head.c -- see head.h. */
#include "http2/head.h"

#include <stdlib.h>
#include <string.h>

#include "http1/scan.h"

#define FIELD_COST 32       /* what a field counts besides its bytes (RFC 9113 section 10.5.1) */
#define MOST (1 << 20)      /* bytes of a head where no limit is set */
#define LINE_ROOM 64        /* for what is written between and behind pseudo-header fields */
#define KEEP_ROOM (4 << 10) /* of memory between two heads */

enum { METHOD = 1, PATH = 2, AUTHORITY = 4, SCHEME = 8, PROTOCOL = 16 };

void
ff_h2_head_clear(ff_h2_head *h)
{
    char *text = h->text;
    uint32_t room = h->room, limit = h->limit;

    if (room > KEEP_ROOM) {
        free(text);
        text = NULL;
        room = 0;
    }
    memset(h, 0, sizeof *h);
    h->text = text;
    h->room = room;
    h->limit = limit;
}

void
ff_h2_head_free(ff_h2_head *h)
{
    free(h->text);
    h->text = NULL;
    h->size = h->room = 0;
}

/* Room for n more bytes.  0 when there is none. */
static int
need(ff_h2_head *h, size_t n)
{
    size_t room = h->room ? h->room : 1024;
    char *grown;

    if (h->size + n <= h->room)
        return 1;
    while (room < h->size + n)
        room *= 2;
    grown = realloc(h->text, room);
    if (!grown) {
        h->verdict = FF_H2_NO_MEMORY;
        return 0;
    }
    h->text = grown;
    h->room = (uint32_t)room;
    return 1;
}

static void
put(ff_h2_head *h, const char *p, size_t n)
{
    memcpy(h->text + h->size, p, n);
    h->size += (uint32_t)n;
}

#define PUT(h, literal) put((h), literal, sizeof(literal) - 1)

/* May these bytes stand in a request line?  A space or a control character may not. */
static int
is_visible(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)p[i] <= 0x20 || p[i] == 0x7f)
            return 0;
    return 1;
}

/* One pseudo-header field (RFC 9113 section 8.3.1): it waits at the end of the text. */
static void
pseudo(ff_h2_head *h, const char *name, size_t n, const char *value, size_t vn)
{
    uint32_t *length, before;
    uint8_t which;

    if (FF_IS(name, n, ":method"))
        which = METHOD, length = &h->method;
    else if (FF_IS(name, n, ":path"))
        which = PATH, length = &h->path;
    else if (FF_IS(name, n, ":authority"))
        which = AUTHORITY, length = &h->authority;
    else if (FF_IS(name, n, ":scheme"))
        which = SCHEME, length = &h->scheme;
    else if (FF_IS(name, n, ":protocol"))
        which = PROTOCOL, length = &h->protocol;
    else
        length = NULL, which = 0xff;
    /* Unknown, repeated, or behind other fields. */
    if (!length || h->begun || (h->seen & which) || !is_visible(value, vn)) {
        h->verdict = FF_H2_MALFORMED;
        return;
    }
    if (!need(h, vn + 1))
        return;
    h->seen |= which;
    *length = (uint32_t)vn;
    /* They stand behind each other in the order of `which`, not in that of their coming. */
    before = (which > METHOD ? h->method : 0) + (which > PATH ? h->path : 0) +
             (which > AUTHORITY ? h->authority : 0) + (which > SCHEME ? h->scheme : 0);
    memmove(h->text + before + vn, h->text + before, h->size - before);
    memcpy(h->text + before, value, vn);
    h->size += (uint32_t)vn;
}

/* The request line, and Host from :authority.  What waits in the text is written anew behind
 * itself, and moved to the front. */
static void
request_line(ff_h2_head *h)
{
    uint32_t waiting = h->size;
    const char *method, *path, *authority, *protocol;

    h->begun = 1;
    if (!need(h, (size_t)waiting + LINE_ROOM))
        return;
    method = h->text;
    path = method + h->method;
    authority = path + h->path;
    protocol = authority + h->authority + h->scheme;
    if (FF_IS(method, h->method, "connect")) {
        if (!(h->seen & PROTOCOL)) { /* RFC 9113 section 8.5: only :authority goes with it */
            h->verdict = h->seen & (PATH | SCHEME) ? FF_H2_MALFORMED : FF_H2_CONNECT;
            return;
        }
        if (!(h->seen & AUTHORITY)) {
            h->verdict = FF_H2_MALFORMED;
            return;
        }
        h->is_websocket = FF_IS(protocol, h->protocol, "websocket");
    } else if (h->seen & PROTOCOL) { /* RFC 8441 section 4 */
        h->verdict = FF_H2_MALFORMED;
        return;
    }
    if (!(h->seen & METHOD) || !(h->seen & PATH) || !(h->seen & SCHEME) || h->path == 0 ||
        ff_token_span(method, method + h->method) != h->method || h->method == 0) {
        h->verdict = FF_H2_MALFORMED;
        return;
    }
    /* Nothing but a path: a whole URI here would stand against :authority. */
    if (*path != '/' && !FF_IS(path, h->path, "*")) {
        h->verdict = FF_H2_MALFORMED;
        return;
    }
    if (h->is_websocket)
        PUT(h, "GET");
    else
        put(h, method, h->method);
    PUT(h, " ");
    put(h, path, h->path);
    PUT(h, " HTTP/1.1\r\n");
    if (h->seen & AUTHORITY) {
        PUT(h, "host: ");
        put(h, authority, h->authority);
        PUT(h, "\r\n");
        h->has_host = 1;
    }
    if (h->is_websocket)
        PUT(h, "connection: upgrade\r\nupgrade: websocket\r\n");
    /* Host has to be compared with :authority, which stays where it is written now. */
    h->size -= waiting;
    memmove(h->text, h->text + waiting, h->size);
}

/* RFC 9113 section 8.2.2: what is about one connection of HTTP/1.1 has no place here. */
static int
is_connection_field(const char *name, size_t n, const char *value, size_t vn)
{
    switch (n) {
    case 2:
        return FF_IS(name, n, "te") && !FF_IS(value, vn, "trailers");
    case 7:
        return FF_IS(name, n, "upgrade");
    case 10:
        return FF_IS(name, n, "connection") || FF_IS(name, n, "keep-alive");
    case 16:
        return FF_IS(name, n, "proxy-connection");
    case 17:
        return FF_IS(name, n, "transfer-encoding");
    }
    return 0;
}

/* Is this what :authority has said?  (RFC 9113 section 8.3.1)  It stands behind "host: ". */
static int
is_the_authority(const ff_h2_head *h, const char *value, size_t vn)
{
    const char *line = memchr(h->text, '\n', h->size);

    if (h->authority != vn)
        return 0;
    line += 1 + 6;
    for (size_t i = 0; i < vn; i++)
        if (ff_lower((unsigned char)line[i]) != ff_lower((unsigned char)value[i]))
            return 0;
    return 1;
}

/* RFC 9113 section 8.2.1: no control character, and no white space around it. */
static int
is_value(const char *value, size_t vn)
{
    uint8_t obs;

    return ff_value_span(value, value + vn, &obs) == vn &&
           (vn == 0 || (*value != ' ' && *value != '\t' && value[vn - 1] != ' ' &&
                        value[vn - 1] != '\t'));
}

static int
is_lower_token(const char *name, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (name[i] >= 'A' && name[i] <= 'Z')
            return 0;
    return n > 0 && ff_token_span(name, name + n) == n;
}

void
ff_h2_head_field(ff_h2_head *h, const char *name, size_t n, const char *value, size_t vn)
{
    uint64_t list = (uint64_t)h->list + n + vn + FIELD_COST;

    h->list = list > UINT32_MAX ? UINT32_MAX : (uint32_t)list;
    if (h->verdict != FF_H2_GOOD)
        return;
    if (h->list > (h->limit ? h->limit : MOST)) {
        h->verdict = FF_H2_TOO_LARGE;
        return;
    }
    if (n > 0 && *name == ':') {
        pseudo(h, name, n, value, vn);
        return;
    }
    if (!h->begun) {
        request_line(h);
        if (h->verdict != FF_H2_GOOD)
            return;
    }
    if (!is_lower_token(name, n) || !is_value(value, vn) ||
        is_connection_field(name, n, value, vn)) {
        h->verdict = FF_H2_MALFORMED;
        return;
    }
    if (n == 4 && memcmp(name, "host", 4) == 0 && (h->seen & AUTHORITY)) {
        if (!is_the_authority(h, value, vn))
            h->verdict = FF_H2_MALFORMED;
        return;
    }
    h->has_length |= FF_IS(name, n, "content-length");
    h->has_priority |= FF_IS(name, n, "priority");
    if (!need(h, n + vn + 4))
        return;
    put(h, name, n);
    PUT(h, ": ");
    put(h, value, vn);
    PUT(h, "\r\n");
}

int
ff_h2_head_end(ff_h2_head *h, int has_body)
{
    if (h->verdict == FF_H2_GOOD && !h->begun)
        request_line(h);
    if (h->verdict != FF_H2_GOOD || !need(h, LINE_ROOM))
        return h->verdict;
    /* Of a body whose length is not said, HTTP/1.1 says this. */
    if (has_body && !h->has_length && !h->is_websocket)
        PUT(h, "transfer-encoding: chunked\r\n");
    PUT(h, "\r\n");
    return FF_H2_GOOD;
}
