/* target.c -- see target.h. */
#include "http1/target.h"

#include <arpa/inet.h>
#include <string.h>

/* RFC 3986: unreserved and sub-delims, which a reg-name may hold besides %XX. */
static const char REG_NAME_MARKS[] = "-._~!$&'()*+,;=";

int
ff_hex(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ff_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
is_alnum(unsigned char c)
{
    return (unsigned char)(c - '0') < 10 || (unsigned char)(ff_lower(c) - 'a') < 26;
}

/* [":" port]: *DIGIT by RFC 3986; more than 65535 is no TCP port. */
static int
valid_port(const char *p, size_t n)
{
    uint32_t port = 0;

    if (n == 0)
        return 1;
    if (*p != ':' || n > 6)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return 0;
        port = port * 10 + (uint32_t)(p[i] - '0');
    }
    return port <= 65535;
}

/* "[" IPv6address "]" with its port.  IPvFuture has no use and is refused. */
static int
valid_ip_literal(const char *p, size_t n)
{
    const char *close = memchr(p, ']', n);
    char text[INET6_ADDRSTRLEN];
    unsigned char address[16];
    size_t len;

    if (close == NULL)
        return 0;
    len = (size_t)(close - p) - 1;
    if (len == 0 || len >= sizeof text || memchr(p, '\0', n))
        return 0;
    memcpy(text, p + 1, len);
    text[len] = '\0';
    if (inet_pton(AF_INET6, text, address) != 1)
        return 0;
    return valid_port(close + 1, n - len - 2);
}

int
ff_valid_host(const char *p, size_t n, int may_be_empty)
{
    size_t i;

    if (n == 0)
        return may_be_empty;
    if (*p == '[')
        return valid_ip_literal(p, n);
    for (i = 0; i < n && p[i] != ':'; i++) {
        if (is_alnum((unsigned char)p[i]))
            continue;
        if (p[i] == '%') {
            if (n - i < 3 || ff_hex((unsigned char)p[i + 1]) < 0 ||
                ff_hex((unsigned char)p[i + 2]) < 0)
                return 0;
            i += 2;
        } else if (p[i] == '\0' || strchr(REG_NAME_MARKS, p[i]) == NULL) {
            return 0;
        }
    }
    if (i == 0 && !may_be_empty)
        return 0;
    return valid_port(p + i, n - i);
}

size_t
ff_unquote(char *dst, const char *src, size_t n, uint8_t *obs)
{
    char *d = dst;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)src[i];
        if (c == '%' && n - i > 2) {
            int high = ff_hex((unsigned char)src[i + 1]), low = ff_hex((unsigned char)src[i + 2]);
            if (high >= 0 && low >= 0) {
                c = (unsigned char)(high << 4 | low);
                i += 2;
            }
        }
        if (c >= 0x80)
            *obs = 1;
        *d++ = (char)c;
    }
    return (size_t)(d - dst);
}

/* Path from t[from], query behind the first "?". */
static int
split_path(const char *t, size_t from, ff_head *h)
{
    size_t n = h->target.len;
    const char *mark = memchr(t + from, '?', n - from);
    const char *percent;
    size_t path_end = mark ? (size_t)(mark - t) : n;

    h->path.at = h->target.at + (uint32_t)from;
    h->path.len = (uint32_t)(path_end - from);
    h->query.at = h->target.at + (uint32_t)(mark ? path_end + 1 : n);
    h->query.len = (uint32_t)(mark ? n - path_end - 1 : 0);

    percent = memchr(t + from, '%', path_end - from);
    h->path_has_percent = percent != NULL;
    for (; percent; percent = memchr(percent + 1, '%', (size_t)(t + path_end - percent - 1)))
        if (t + path_end - percent > 2 && percent[1] == '0' && percent[2] == '0')
            return FF_NUL_IN_PATH;
    return 0;
}

static int
split_absolute(const char *t, ff_head *h)
{
    size_t n = h->target.len, at, end;

    if (n > 7 && FF_IS(t, 7, "http://"))
        at = 7;
    else if (n > 8 && FF_IS(t, 8, "https://"))
        at = 8;
    else
        return FF_BAD_TARGET;
    for (end = at; end < n && t[end] != '/' && t[end] != '?'; end++)
        ;
    if (!ff_valid_host(t + at, end - at, 0))
        return FF_BAD_TARGET;
    h->form = FF_ABSOLUTE_FORM;
    h->authority.at = h->target.at + (uint32_t)at;
    h->authority.len = (uint32_t)(end - at);
    return split_path(t, end, h);
}

/* Is the method this word of 7 letters?  `lower` is the same in lower case. */
static int
method_is(const char *base, const ff_head *h, int casefold, const char *word, const char *lower)
{
    const char *method = base + h->method.at;

    if (h->method.len != 7)
        return 0;
    return memcmp(method, word, 7) == 0 || (casefold && ff_equals(method, 7, lower, 7));
}

int
ff_split_target(const char *base, ff_head *h, int casefold)
{
    const char *t = base + h->target.at;
    size_t n = h->target.len;

    h->authority.at = h->target.at;
    h->authority.len = 0;
    h->form = FF_ORIGIN_FORM;
    if (n == 0 || memchr(t, '#', n)) /* what follows "#" is the client's own */
        return FF_BAD_TARGET;
    if (method_is(base, h, casefold, "CONNECT", "connect"))
        return ff_valid_host(t, n, 0) ? FF_CONNECT_NOT_SUPPORTED : FF_BAD_TARGET;
    if (*t == '/')
        return split_path(t, 0, h);
    if (*t != '*')
        return split_absolute(t, h);
    if (n != 1 || !method_is(base, h, casefold, "OPTIONS", "options"))
        return FF_BAD_TARGET;
    h->form = FF_ASTERISK_FORM;
    return split_path(t, 0, h);
}
