"""The opening handshake of a WebSocket (RFC 6455 section 4.2): is it one, and what its answer says.

Of a field that came more than once, all values joined by commas are given.

Runs in: worker
"""

import re
from binascii import b2a_base64

cdef object sha1 = None
cdef bytes GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"   # section 1.3
cdef object KEY = re.compile(r"[A-Za-z0-9+/]{21}[AQgw]==")  # 16 bytes: 4 bits of the last are none
cdef object VERSION = re.compile(r"[0-9]{1,3}")
cdef object TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


cdef bint has_word(str value, str word):
    """Is it among the elements of a list, whatever its case?"""
    return value is not None and any(
        element.strip(" \t").lower() == word for element in value.split(","))


cpdef int check_handshake(bint is_get, int minor, str upgrade, str connection, str version,
                          str key) except -1:
    """NO_WEBSOCKET, WEBSOCKET, or the status to answer: MALFORMED or OTHER_VERSION.

    is_get: whether the method is GET.  minor: of HTTP/1.x.  The rest are values of fields, None
    where there is none.  HTTP/1.0 knows no Upgrade (RFC 9110 section 7.8), and one that Connection
    does not name is not meant for us; both are ordinary requests.
    """
    if minor < 1 or not has_word(upgrade, "websocket") or not has_word(connection, "upgrade"):
        return NO_WEBSOCKET
    if not is_get:
        return MALFORMED
    if version is None:
        return OTHER_VERSION
    if VERSION.fullmatch(version) is None:
        return MALFORMED
    if version != "13":
        return OTHER_VERSION
    if key is None or KEY.fullmatch(key) is None:
        return MALFORMED
    return WEBSOCKET


cpdef bytes accept_key(str key):
    """The value of Sec-WebSocket-Accept for that of Sec-WebSocket-Key (section 4.2.2)."""
    global sha1
    if sha1 is None:
        try:   # not by way of hashlib, which loads OpenSSL: megabytes of each worker
            from _sha1 import sha1 as found
        except ImportError:
            from hashlib import sha1 as found
        sha1 = found
    return b2a_base64(sha1(key.encode("ascii") + GUID).digest(), newline=False)


cpdef list subprotocols(str value):
    """The elements of Sec-WebSocket-Protocol, in the client's order of preference.

    Raises ValueError for one that is no token, or is there twice (section 4.1, number 10).
    """
    cdef list names = [] if value is None else [name.strip(" \t") for name in value.split(",")]
    if not all(map(TOKEN.fullmatch, names)) or len(set(names)) != len(names):
        raise ValueError("Sec-WebSocket-Protocol is no list of different tokens")
    return names
