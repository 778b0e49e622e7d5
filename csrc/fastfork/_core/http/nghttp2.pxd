# libnghttp2 (1.52 or newer), as Cython sees it; and what is counted and written down beside it.
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

cdef extern from "<nghttp2/nghttp2.h>":
    ctypedef struct nghttp2_session:
        pass
    ctypedef struct nghttp2_session_callbacks:
        pass
    ctypedef struct nghttp2_option:
        pass
    ctypedef struct nghttp2_info:
        const char *version_str

    ctypedef struct nghttp2_frame_hd:
        size_t length
        int32_t stream_id
        uint8_t type
        uint8_t flags
    ctypedef struct nghttp2_headers:
        int cat
    ctypedef struct nghttp2_rst_stream:
        uint32_t error_code
    ctypedef struct nghttp2_goaway:
        int32_t last_stream_id
        uint32_t error_code
    ctypedef union nghttp2_frame:
        nghttp2_frame_hd hd
        nghttp2_headers headers
        nghttp2_rst_stream rst_stream
        nghttp2_goaway goaway

    ctypedef struct nghttp2_nv:
        uint8_t *name
        uint8_t *value
        size_t namelen
        size_t valuelen
        uint8_t flags
    ctypedef union nghttp2_data_source:
        int fd
        void *ptr
    ctypedef ssize_t (*nghttp2_data_source_read_callback)(
        nghttp2_session *, int32_t, uint8_t *, size_t, uint32_t *, nghttp2_data_source *,
        void *) noexcept
    ctypedef struct nghttp2_data_provider:
        nghttp2_data_source source
        nghttp2_data_source_read_callback read_callback
    ctypedef struct nghttp2_settings_entry:
        int32_t settings_id
        uint32_t value
    ctypedef struct nghttp2_extpri:
        uint32_t urgency
        int inc

    enum:
        NGHTTP2_DATA
        NGHTTP2_HEADERS
        NGHTTP2_PRIORITY
        NGHTTP2_RST_STREAM
        NGHTTP2_SETTINGS
        NGHTTP2_PING
        NGHTTP2_GOAWAY
        NGHTTP2_FLAG_ACK
        NGHTTP2_PRIORITY_UPDATE
        NGHTTP2_FLAG_NONE
        NGHTTP2_FLAG_END_STREAM
        NGHTTP2_HCAT_REQUEST
        NGHTTP2_DATA_FLAG_EOF
        NGHTTP2_ERR_DEFERRED
        NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE
        NGHTTP2_ERR_CALLBACK_FAILURE
        NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS
        NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE
        NGHTTP2_SETTINGS_MAX_FRAME_SIZE
        NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE
        NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL
        NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES
        NGHTTP2_NO_ERROR
        NGHTTP2_PROTOCOL_ERROR
        NGHTTP2_INTERNAL_ERROR
        NGHTTP2_STREAM_CLOSED
        NGHTTP2_REFUSED_STREAM
        NGHTTP2_CANCEL
        NGHTTP2_ENHANCE_YOUR_CALM

    const nghttp2_info *nghttp2_version(int least_version)
    const char *nghttp2_strerror(int code)
    const char *nghttp2_http2_strerror(uint32_t code)

    int nghttp2_session_callbacks_new(nghttp2_session_callbacks **made)
    void nghttp2_session_callbacks_set_on_begin_frame_callback(
        nghttp2_session_callbacks *,
        int (*)(nghttp2_session *, const nghttp2_frame_hd *, void *) noexcept)
    void nghttp2_session_callbacks_set_on_begin_headers_callback(
        nghttp2_session_callbacks *,
        int (*)(nghttp2_session *, const nghttp2_frame *, void *) noexcept)
    void nghttp2_session_callbacks_set_on_header_callback(
        nghttp2_session_callbacks *,
        int (*)(nghttp2_session *, const nghttp2_frame *, const uint8_t *, size_t,
                const uint8_t *, size_t, uint8_t, void *) noexcept)
    void nghttp2_session_callbacks_set_on_invalid_header_callback(
        nghttp2_session_callbacks *,
        int (*)(nghttp2_session *, const nghttp2_frame *, const uint8_t *, size_t,
                const uint8_t *, size_t, uint8_t, void *) noexcept)
    void nghttp2_session_callbacks_set_on_frame_recv_callback(
        nghttp2_session_callbacks *,
        int (*)(nghttp2_session *, const nghttp2_frame *, void *) noexcept)
    void nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
        nghttp2_session_callbacks *,
        int (*)(nghttp2_session *, const nghttp2_frame *, int, void *) noexcept)
    void nghttp2_session_callbacks_set_on_frame_send_callback(
        nghttp2_session_callbacks *,
        int (*)(nghttp2_session *, const nghttp2_frame *, void *) noexcept)
    void nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        nghttp2_session_callbacks *,
        int (*)(nghttp2_session *, uint8_t, int32_t, const uint8_t *, size_t, void *) noexcept)
    void nghttp2_session_callbacks_set_on_stream_close_callback(
        nghttp2_session_callbacks *,
        int (*)(nghttp2_session *, int32_t, uint32_t, void *) noexcept)

    int nghttp2_option_new(nghttp2_option **made)
    void nghttp2_option_set_no_auto_window_update(nghttp2_option *, int value)
    void nghttp2_option_set_no_closed_streams(nghttp2_option *, int value)
    void nghttp2_option_set_max_send_header_block_length(nghttp2_option *, size_t n)
    void nghttp2_option_set_builtin_recv_extension_type(nghttp2_option *, uint8_t type)

    int nghttp2_session_server_new2(nghttp2_session **made, const nghttp2_session_callbacks *,
                                    void *user_data, const nghttp2_option *)
    void nghttp2_session_del(nghttp2_session *)
    ssize_t nghttp2_session_mem_recv(nghttp2_session *, const uint8_t *p, size_t n)
    ssize_t nghttp2_session_mem_send(nghttp2_session *, const uint8_t **p)
    int nghttp2_session_want_read(nghttp2_session *)
    int nghttp2_session_want_write(nghttp2_session *)
    void *nghttp2_session_get_stream_user_data(nghttp2_session *, int32_t id)
    int nghttp2_session_set_stream_user_data(nghttp2_session *, int32_t id, void *data)
    int nghttp2_session_set_local_window_size(nghttp2_session *, uint8_t flags, int32_t id,
                                              int32_t size)
    int nghttp2_session_consume_connection(nghttp2_session *, size_t n)
    int nghttp2_session_consume_stream(nghttp2_session *, int32_t id, size_t n)
    int nghttp2_session_resume_data(nghttp2_session *, int32_t id)
    int nghttp2_session_terminate_session(nghttp2_session *, uint32_t code)
    int32_t nghttp2_session_get_last_proc_stream_id(nghttp2_session *)
    int nghttp2_session_change_extpri_stream_priority(
        nghttp2_session *, int32_t id, const nghttp2_extpri *priority, int ignore_client)
    int nghttp2_submit_settings(nghttp2_session *, uint8_t flags, const nghttp2_settings_entry *,
                                size_t count)
    int nghttp2_submit_response(nghttp2_session *, int32_t id, const nghttp2_nv *, size_t count,
                                const nghttp2_data_provider *)
    int32_t nghttp2_submit_headers(nghttp2_session *, uint8_t flags, int32_t id,
                                   const void *priority, const nghttp2_nv *, size_t count,
                                   void *user_data)
    int nghttp2_submit_rst_stream(nghttp2_session *, uint8_t flags, int32_t id, uint32_t code)
    int nghttp2_submit_ping(nghttp2_session *, uint8_t flags, const uint8_t *opaque)
    int nghttp2_submit_shutdown_notice(nghttp2_session *)
    int nghttp2_submit_goaway(nghttp2_session *, uint8_t flags, int32_t last_id, uint32_t code,
                              const uint8_t *, size_t)

cdef extern from "http2/bucket.h" nogil:
    ctypedef struct ff_bucket:
        int64_t full_ns
    int ff_bucket_take(ff_bucket *, int64_t now)
    void ff_bucket_give(ff_bucket *, int64_t count)

cdef extern from "http2/frames.h" nogil:
    enum:
        FF_H2_OK
        FF_H2_TOO_MANY_RESETS
        FF_H2_WINDOWS
        FF_H2_HEAD_BYTES
    ctypedef struct ff_h2_frames:
        int64_t since
        ff_bucket resets
        ff_bucket idle
    void ff_h2_frames_init(ff_h2_frames *)
    size_t ff_h2_frames_walk(ff_h2_frames *, const uint8_t *p, size_t n, int64_t now, int *why)
    size_t ff_h2_frames_cut(const ff_h2_frames *)
    const char *ff_h2_why(int why)

cdef extern from "http2/head.h" nogil:
    enum:
        FF_H2_GOOD
        FF_H2_MALFORMED
        FF_H2_TOO_LARGE
        FF_H2_NO_MEMORY
        FF_H2_CONNECT
    ctypedef struct ff_h2_head:
        char *text
        uint32_t size
        uint32_t list
        uint32_t limit
        uint8_t verdict
        uint8_t has_priority
        uint8_t is_websocket
    void ff_h2_head_clear(ff_h2_head *)
    void ff_h2_head_free(ff_h2_head *)
    void ff_h2_head_field(ff_h2_head *, const char *name, size_t n, const char *value, size_t vn)
    int ff_h2_head_end(ff_h2_head *, int has_body)

cdef extern from "http2/response.h" nogil:
    enum:
        FF_H2_NV_MAX
    Py_ssize_t ff_h2_response(const char *head, size_t n, nghttp2_nv *nv, size_t most)
