/* errors.h -- what a scanner can refuse: one row an error, from which the enum, the
 * status to answer (RFC 9110 section 15) and the text for the log are derived.
 *
 * Codes are negative so that a scanner can return "bytes used" (> 0), FF_NEED_DATA or
 * one of these from the same function. */
#ifndef FF_ERRORS_H
#define FF_ERRORS_H

#define FF_ERRORS(X)                                                                       \
    X(FF_BAD_BLANK_LINES, -10, 400, "more than 4 empty lines before the request line")     \
    X(FF_BARE_LF, -11, 400, "a line ends in LF without CR")                                \
    X(FF_BARE_CR, -12, 400, "CR that is not followed by LF")                               \
    X(FF_BAD_METHOD, -13, 400, "the method is not a token, or not a conventional one")     \
    X(FF_BAD_TARGET, -14, 400, "the request target has a forbidden byte or form")          \
    X(FF_BAD_VERSION, -15, 400, "the request line does not end in SP HTTP/d.d")            \
    X(FF_VERSION_NOT_SUPPORTED, -16, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here")    \
    X(FF_LINE_TOO_LONG, -17, 414, "the request line is longer than limit_request_line")    \
    X(FF_CONNECT_NOT_SUPPORTED, -18, 501, "CONNECT is for proxies; this is none")          \
    X(FF_NUL_IN_PATH, -19, 400, "%00 in the path")                                         \
    X(FF_OBS_FOLD, -20, 400, "a field line begins with white space (obs-fold)")            \
    X(FF_BAD_FIELD_NAME, -21, 400, "a field name is empty or no token, or has no colon")   \
    X(FF_BAD_FIELD_VALUE, -22, 400, "a field value has a control character")               \
    X(FF_FIELD_TOO_LONG, -23, 431, "a field line is longer than limit_request_field_size") \
    X(FF_TOO_MANY_FIELDS, -24, 431, "more fields than limit_request_fields")               \
    X(FF_HEAD_TOO_LONG, -25, 431, "the request head is longer than limit_request_head")    \
    X(FF_UNDERSCORE, -26, 400, "a field name has an underscore, and header_map is refuse")  \
    X(FF_HOST_MISSING, -30, 400, "HTTP/1.1 without a Host field")                          \
    X(FF_HOST_REPEATED, -31, 400, "more than one Host field")                              \
    X(FF_BAD_HOST, -32, 400, "Host is not uri-host [\":\" port]")                          \
    X(FF_CONTENT_TYPE_REPEATED, -33, 400, "more than one Content-Type field")              \
    X(FF_TE_ON_HTTP_1_0, -34, 400, "Transfer-Encoding in an HTTP/1.0 request")             \
    X(FF_TE_AND_LENGTH, -35, 400, "both Transfer-Encoding and Content-Length")             \
    X(FF_BAD_TE, -36, 400, "Transfer-Encoding is not exactly \"chunked\"")                 \
    X(FF_TE_NOT_SUPPORTED, -37, 501, "a transfer coding other than chunked")               \
    X(FF_BAD_LENGTH, -38, 400, "Content-Length is not one decimal number")                 \
    X(FF_BODY_TOO_LARGE, -39, 413, "the body is larger than limit_request_body")           \
    X(FF_BAD_EXPECT, -40, 417, "an expectation other than 100-continue")                   \
    X(FF_BAD_CHUNK_SIZE, -50, 400, "a chunk size is not 1 to 16 hexadecimal digits")       \
    X(FF_BAD_CHUNK_EXT, -51, 400, "a chunk extension is malformed or too long")            \
    X(FF_BAD_CHUNK_END, -52, 400, "chunk data is not followed by CRLF")                    \
    X(FF_BAD_TRAILER, -53, 400, "a trailer is malformed, or frames or routes")             \
    X(FF_TRAILER_TOO_LONG, -54, 431, "the trailer section is longer than a head may be")   \
    X(FF_SECOND_OPINION, -60, 400, "refused by llhttp")                                    \
    X(FF_BAD_PREFACE, -70, 400, "no PROXY protocol header, or a malformed one")            \
    X(FF_PREFACE_FORBIDDEN, -71, 403, "the peer is not in proxy_allow_ips")                \
    X(FF_SCHEME_CONFLICT, -72, 400, "fields of secure_scheme_headers contradict each other") \
    X(FF_BAD_FORWARDED, -73, 400, "Forwarded is malformed (RFC 7239 section 4)")           \
    X(FF_NOT_BELOW_SCRIPT, -74, 400, "the path does not begin with the proxy's SCRIPT_NAME") \
    X(FF_CLEAR_ON_TLS, -75, 400, "plain HTTP on a port that speaks TLS")                   \
    X(FF_HTTP2_NOT_TAKEN, -76, 400,                                                        \
      "HTTP/2, which is taken by http_protocols and http2_cleartext, from forwarded_allow_ips")

enum {
    FF_NEED_DATA = -1,   /* legal so far: call again with more bytes */
    FF_NEED_FIELDS = -2, /* the caller's field array is full: grow it and call again */
#define FF_ENUM(name, code, status, text) name = code,
    FF_ERRORS(FF_ENUM)
#undef FF_ENUM
};

/* Was the head itself well-formed, and only its meaning refused? */
static inline int
ff_is_head_error(int code)
{
    return code <= FF_HOST_MISSING && code >= FF_BAD_EXPECT;
}

/* Status to answer for a code above; 500 for a code that is none of ours. */
int ff_error_status(int code);

/* One line of English for the log; never contains request bytes. */
const char *ff_error_text(int code);

#endif
