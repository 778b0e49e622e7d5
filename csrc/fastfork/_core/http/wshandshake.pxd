cdef enum:
    NO_WEBSOCKET = 0        # an ordinary request
    WEBSOCKET = 101
    MALFORMED = 400
    OTHER_VERSION = 426     # to be answered with Sec-WebSocket-Version: 13


cpdef int check_handshake(bint is_get, int minor, str upgrade, str connection, str version,
                          str key) except -1
cpdef bytes accept_key(str key)
cpdef list subprotocols(str value)
