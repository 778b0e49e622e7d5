# The plain C of WebSockets, as Cython sees it.  The contracts are in csrc/ws/*.h.
from libc.stdint cimport uint8_t, uint64_t

cdef extern from "ws/frames.h" nogil:
    enum:
        FF_NEED_DATA
        FF_WS_HEAD_MAX
        FF_WS_CONTROL_MAX
        FF_WS_NOTHING_TO_CONTINUE
        FF_WS_NOT_CONTINUED
        FF_WS_CLOSE_PAYLOAD
        FF_WS_CLOSE_CODE
        FF_WS_NOT_UTF8
        FF_WS_NOT_DEFLATED
        FF_WS_TOO_BIG
        FF_WS_CONTINUATION
        FF_WS_TEXT
        FF_WS_BINARY
        FF_WS_CLOSE
        FF_WS_PING
        FF_WS_PONG
        FF_WS_RSV1
        FF_WS_FIN

    ctypedef struct ff_ws_head:
        uint64_t length
        uint8_t key[4]
        uint8_t opcode
        uint8_t fin
        uint8_t rsv1

    bint ff_ws_is_control(int opcode)
    Py_ssize_t ff_ws_read_head(const char *p, size_t n, bint deflate, ff_ws_head *h)
    size_t ff_ws_write_head(char *out, int first, uint64_t length)
    void ff_ws_unmask(char *to, const char *frm, size_t n, const uint8_t *key, uint64_t at)
    size_t ff_ws_unmask_ascii(char *to, const char *frm, size_t n, const uint8_t *key)
    bint ff_ws_is_close_code(unsigned code)
    int ff_ws_close_code(int code)
    const char *ff_ws_error_text(int code)

cdef extern from "ws/utf8.h" nogil:
    enum:
        FF_UTF8_WHOLE
        FF_UTF8_BAD
    uint8_t ff_utf8_after(uint8_t state, const char *p, size_t n)
