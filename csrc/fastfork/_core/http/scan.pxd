# The plain C scanners, as Cython sees them.  The contracts are in csrc/*.h.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

cdef extern from "http1/errors.h" nogil:
    enum:
        FF_NEED_DATA
        FF_NEED_FIELDS
        FF_SECOND_OPINION
        FF_TOO_MANY_FIELDS
        FF_BODY_TOO_LARGE
        FF_HEAD_TOO_LONG
        FF_CONNECT_NOT_SUPPORTED
        FF_HTTP2_NOT_TAKEN
        FF_UNDERSCORE
    int ff_error_status(int code)
    const char *ff_error_text(int code)
    bint ff_is_head_error(int code)

cdef extern from "http1/scan.h" nogil:
    ctypedef struct ff_span:
        uint32_t at
        uint32_t len

    enum:
        FF_OTHER
        FF_HOST
        FF_CONTENT_LENGTH
        FF_CONTENT_TYPE
        FF_TRANSFER_ENCODING
        FF_CONNECTION
        FF_EXPECT
        FF_COOKIE
        FF_UPGRADE
        FF_PROXY

    ctypedef struct ff_field:
        ff_span name
        ff_span value
        uint8_t id
        uint8_t has_obs_text
        uint8_t has_underscore
        uint8_t has_fold

    enum:
        FF_ORIGIN_FORM
        FF_ABSOLUTE_FORM
        FF_ASTERISK_FORM

    ctypedef struct ff_head:
        ff_span method
        ff_span target
        ff_span path
        ff_span query
        ff_span authority
        uint8_t form
        uint8_t minor
        uint8_t path_has_percent
        uint8_t target_has_obs
        uint8_t is_lenient
        uint32_t start
        uint32_t nfields
        uint32_t capacity
        ff_field *fields

    ctypedef struct ff_limits:
        uint32_t line
        uint32_t fields
        uint32_t field_size
        uint32_t head
        uint32_t options

    enum:
        FF_CASEFOLD_METHOD
        FF_REFUSE_UNDERSCORE

    Py_ssize_t ff_scan_line(const char *p, size_t n, const ff_limits *limits, ff_head *h)
    Py_ssize_t ff_scan_fields(const char *p, size_t n, size_t at, const ff_limits *limits,
                              ff_head *h)
    Py_ssize_t ff_scan_field_line(const char *p, size_t n, uint32_t options)
    size_t ff_unfold(char *dst, const char *src, size_t n)
    size_t ff_value_span(const char *p, const char *end, uint8_t *obs)
    size_t ff_token_span(const char *p, const char *end)
    bint ff_equals(const char *p, size_t n, const char *w, size_t wn)

cdef extern from "http1/target.h" nogil:
    size_t ff_unquote(char *dst, const char *src, size_t n, uint8_t *obs)

cdef extern from "http1/framing.h" nogil:
    ctypedef struct ff_framing:
        int64_t content_length
        uint8_t chunked
        uint8_t te_has_tab
        uint8_t keep_alive
        uint8_t expect_continue
        uint8_t upgrade

    int ff_frame(const char *base, const ff_head *h, int64_t max_body, ff_framing *f)

cdef extern from "http1/chunked.h" nogil:
    enum:
        FF_CHUNK_DATA
        FF_CHUNK_END

    ctypedef struct ff_chunked:
        uint64_t left
        uint64_t total

    void ff_chunked_init(ff_chunked *c, const ff_limits *limits, uint64_t max_body)
    int ff_chunked_next(ff_chunked *c, const char **p, const char *end, const char **data,
                        size_t *len)
