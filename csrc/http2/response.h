/* response.h -- the head of a response as HTTP/2 has it, of the one that was written for HTTP/1.1.
 *
 * Whatever writes response heads (response_head.pyx) has checked names and values; here they are only
 * found again.  Compiled with libnghttp2's headers: everything here is inline, so that what is
 * built without them need not have it.  No allocation, no Python.h. */
#ifndef FF_HTTP2_RESPONSE_H
#define FF_HTTP2_RESPONSE_H

#include <nghttp2/nghttp2.h>
#include <string.h>

enum { FF_H2_NV_MAX = 256 }; /* fields of a response head */

/* Points the entries of nv into the n bytes at `head`, :status first; nghttp2 copies them, and
 * makes the names lower case.  Returns how many there are, 0 when more than `most`. */
static inline ptrdiff_t
ff_h2_response(const char *head, size_t n, nghttp2_nv *nv, size_t most)
{
    const char *end = head + n, *p = memchr(head, '\n', n), *colon, *line;
    size_t count = 1;

    nv[0].name = (uint8_t *)":status";
    nv[0].namelen = 7;
    nv[0].value = (uint8_t *)head + 9; /* behind "HTTP/1.1 " */
    nv[0].valuelen = 3;
    nv[0].flags = NGHTTP2_NV_FLAG_NONE;
    for (p++; p < end && *p != '\r'; p = line + 1) {
        line = memchr(p, '\n', (size_t)(end - p));
        colon = memchr(p, ':', (size_t)(end - p));
        if (count == most)
            return 0;
        nv[count].name = (uint8_t *)p;
        nv[count].namelen = (size_t)(colon - p);
        nv[count].value = (uint8_t *)colon + 2;
        nv[count].valuelen = (size_t)(line - 1 - (colon + 2));
        nv[count].flags = NGHTTP2_NV_FLAG_NONE;
        count++;
    }
    return (ptrdiff_t)count;
}

#endif
