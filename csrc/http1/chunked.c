/* chunked.c -- see chunked.h. */
#include "http1/chunked.h"

#include <string.h>

#include "http1/field.h"
#include "http1/target.h"

enum {
    SIZE, /* chunk-size, then white space, ";", CR */
    EXT_START, /* white space, then ";" */
    EXT_NAME_START,
    EXT_NAME,
    EXT_NAME_END, /* white space, then "=" or ";" */
    EXT_VALUE_START,
    EXT_VALUE,
    EXT_QUOTED,
    EXT_QUOTED_PAIR,
    EXT_QUOTED_END,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_START,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    ENDED,
};

/* What frames or routes a request.  RFC 9110 section 6.5.1 has more that must not come after the
 * body; as every trailer field is dropped, only these say that somebody reads this request
 * otherwise. */
static const char *const FORBIDDEN[] = {"content-length", "host", "transfer-encoding"};

void
ff_chunked_init(ff_chunked *c, const ff_limits *limits, uint64_t max_body)
{
    memset(c, 0, sizeof *c);
    c->limits = *limits;
    c->max_body = max_body;
    c->state = SIZE;
}

static int
is_forbidden(const ff_chunked *c)
{
    for (size_t i = 0; i < sizeof FORBIDDEN / sizeof *FORBIDDEN; i++)
        if (strlen(FORBIDDEN[i]) == c->name_len && !memcmp(FORBIDDEN[i], c->name, c->name_len))
            return 1;
    return 0;
}

/* One byte of the chunk size.  Returns 0 or an error code. */
static int
size_byte(ff_chunked *c, unsigned char b)
{
    int digit = ff_hex(b);

    if (digit >= 0) {
        c->left = c->left << 4 | (unsigned)digit;
        c->digits++;
        if (c->significant || digit)
            c->significant++;
        return c->significant > 16 || c->digits > FF_MAX_SIZE_DIGITS ? FF_BAD_CHUNK_SIZE : 0;
    }
    if (c->digits == 0 || (b != '\r' && b != ';' && !ff_is_blank((char)b)))
        return b == '\n' && c->digits ? FF_BARE_LF : FF_BAD_CHUNK_SIZE;
    if (c->left > INT64_MAX || c->total > INT64_MAX - c->left)
        return FF_BODY_TOO_LARGE;
    c->total += c->left;
    if (c->max_body && c->total > c->max_body)
        return FF_BODY_TOO_LARGE;
    c->digits = c->significant = 0;
    c->ext_line = ff_is_blank((char)b);
    c->ext_body += c->ext_line;
    c->state = b == ';' ? EXT_NAME_START : b == '\r' ? SIZE_LF : EXT_START;
    return 0;
}

/* Where "bad" white space leads to (RFC 9112 section 7.1.1): it stands around ";" and "=", and not
 * before the end of the line.  Returns 0 or an error code. */
static int
extension_space(ff_chunked *c)
{
    switch (c->state) {
    case EXT_NAME:
        c->state = EXT_NAME_END;
        return 0;
    case EXT_VALUE:
    case EXT_QUOTED_END:
        c->state = EXT_START;
        return 0;
    case EXT_START:
    case EXT_NAME_START:
    case EXT_NAME_END:
    case EXT_VALUE_START:
        return 0;
    }
    return FF_BAD_CHUNK_EXT;
}

/* One byte of the extensions (RFC 9112 section 7.1.1). */
static int
extension_byte(ff_chunked *c, unsigned char b)
{
    int ends = b == ';' || b == '\r';

    c->ext_line++;
    c->ext_body++;
    if (c->ext_line > FF_MAX_CHUNK_EXT_LINE || c->ext_body > FF_MAX_CHUNK_EXT_BODY)
        return FF_BAD_CHUNK_EXT;
    if (ends && (c->state == EXT_NAME || c->state == EXT_VALUE || c->state == EXT_QUOTED_END)) {
        c->state = b == ';' ? EXT_NAME_START : SIZE_LF;
        return 0;
    }
    if (ff_is_blank((char)b) && c->state != EXT_QUOTED && c->state != EXT_QUOTED_PAIR)
        return extension_space(c);
    switch (c->state) {
    case EXT_START:
    case EXT_NAME_END:
        if (b == ';')
            c->state = EXT_NAME_START;
        else if (b == '=' && c->state == EXT_NAME_END)
            c->state = EXT_VALUE_START;
        else
            return FF_BAD_CHUNK_EXT;
        return 0;
    case EXT_NAME_START:
    case EXT_NAME:
        if (ff_is_tchar(b)) {
            c->state = EXT_NAME;
            return 0;
        }
        if (b != '=' || c->state != EXT_NAME)
            return FF_BAD_CHUNK_EXT;
        c->state = EXT_VALUE_START;
        return 0;
    case EXT_VALUE_START:
        if (b == '"') {
            c->state = EXT_QUOTED;
            return 0;
        }
        /* fall through */
    case EXT_VALUE:
        c->state = EXT_VALUE;
        return ff_is_tchar(b) ? 0 : FF_BAD_CHUNK_EXT;
    case EXT_QUOTED:
    case EXT_QUOTED_PAIR:
        if (b != '\t' && (b < 0x20 || b == 0x7f))
            return FF_BAD_CHUNK_EXT;
        if (c->state == EXT_QUOTED_PAIR)
            c->state = EXT_QUOTED;
        else if (b == '\\')
            c->state = EXT_QUOTED_PAIR;
        else if (b == '"')
            c->state = EXT_QUOTED_END;
        return 0;
    }
    return FF_BAD_CHUNK_EXT;
}

/* One byte of the trailer section, parsed as fields are and then forgotten. */
static int
trailer_byte(ff_chunked *c, unsigned char b)
{
    c->trailer_bytes++;
    c->line_bytes = c->state == TRAILER_START ? 1 : c->line_bytes + 1;
    if ((c->limits.head && c->trailer_bytes > c->limits.head) ||
        (c->limits.field_size && c->line_bytes > c->limits.field_size))
        return FF_TRAILER_TOO_LONG;
    switch (c->state) {
    case TRAILER_START:
        c->name_len = 0;
        if (b == '\r') {
            c->state = END_LF;
            return 0;
        }
        if (c->limits.fields && c->trailer_fields == c->limits.fields)
            return FF_TRAILER_TOO_LONG;
        c->trailer_fields++;
        c->state = TRAILER_NAME;
        if (b == ':')
            return FF_BAD_TRAILER;
        /* fall through */
    case TRAILER_NAME:
        if (b == ':') {
            c->state = TRAILER_VALUE;
            return is_forbidden(c) ? FF_BAD_TRAILER : 0;
        }
        if (!ff_is_tchar(b))
            return b == '\n' ? FF_BARE_LF : FF_BAD_TRAILER;
        if (c->name_len < sizeof c->name)
            c->name[c->name_len++] = (char)ff_lower(b);
        return 0;
    case TRAILER_VALUE:
        if (b == '\r')
            c->state = TRAILER_LF;
        else if (b == '\n')
            return FF_BARE_LF;
        else if ((b < 0x20 && b != '\t') || b == 0x7f)
            return FF_BAD_TRAILER;
        return 0;
    case TRAILER_LF:
        c->state = TRAILER_START;
        return b == '\n' ? 0 : FF_BARE_CR;
    }
    c->state = ENDED; /* END_LF */
    return b == '\n' ? 0 : FF_BARE_CR;
}

/* One byte of framing, in any state but DATA. */
static int
framing_byte(ff_chunked *c, unsigned char b)
{
    switch (c->state) {
    case SIZE:
        return size_byte(c, b);
    case SIZE_LF:
        c->state = c->left ? DATA : TRAILER_START;
        return b == '\n' ? 0 : FF_BARE_CR;
    case DATA_CR:
        c->state = DATA_LF;
        return b == '\r' ? 0 : FF_BAD_CHUNK_END;
    case DATA_LF:
        c->state = SIZE;
        return b == '\n' ? 0 : FF_BAD_CHUNK_END;
    case TRAILER_START:
    case TRAILER_NAME:
    case TRAILER_VALUE:
    case TRAILER_LF:
    case END_LF:
        return trailer_byte(c, b);
    }
    return extension_byte(c, b);
}

int
ff_chunked_next(ff_chunked *c, const char **p, const char *end, const char **data, size_t *len)
{
    while (*p < end) {
        int rc;

        if (c->state == ENDED)
            return FF_CHUNK_END;
        if (c->state == DATA) {
            size_t n = (size_t)(end - *p);
            if (n > c->left)
                n = (size_t)c->left;
            *data = *p;
            *len = n;
            *p += n;
            c->left -= n;
            if (c->left == 0)
                c->state = DATA_CR;
            return FF_CHUNK_DATA;
        }
        rc = framing_byte(c, (unsigned char)**p);
        if (rc < 0)
            return rc;
        (*p)++;
    }
    return c->state == ENDED ? FF_CHUNK_END : FF_NEED_DATA;
}
