"""permessage-deflate (RFC 7692): the messages of one WebSocket compressed, and its negotiation.

It is the interpreter's own zlib, so nothing more is needed to build or to load these modules; that
costs 0.7 us a message more than calling the library would.  Each call of it releases the
interpreter lock: other threads may run meanwhile.

What a connection may keep is bounded when it is negotiated.  Ours is a window of 12 bits and
memLevel 5, 38 KiB where zlib's defaults take 256.  The client's is 12 bits too if it offers to be
told so; else it may keep nothing from one message to the next, and neither do we.

Runs in: worker
"""

cimport cython

from fastfork._core.http.frames cimport FF_WS_NOT_DEFLATED, FF_WS_TOO_BIG
from fastfork._core.text cimport PyBytes_GET_SIZE

import re

cdef extern from "Python.h":
    int PyBUF_READ
    object PyMemoryView_FromMemory(char *p, Py_ssize_t n, int flags)

cdef enum:
    WINDOW_BITS = 12
    LARGEST_BITS = 15
    LEAST_BITS = 9    # of raw deflate in zlib, which cannot do with the 8 of section 7.1.2
    MEM_LEVEL = 5
    # Level 6 takes half as long again, and in so small a window saves 6 % of the bytes.
    LEVEL = 1

cdef bytes TAIL = b"\x00\x00\xff\xff"   # what ends each flush and is not sent: section 7.2.1
cdef object zlib = None
cdef object Error = None

# RFC 6455 section 9.1; white space as RFC 9110 section 5.6.3 has it.
cdef str TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
cdef object NAME = re.compile(rf"[ \t]*({TOKEN})[ \t]*")
cdef object PARAMETER = re.compile(rf'[ \t]*({TOKEN})[ \t]*(?:=[ \t]*({TOKEN}|"{TOKEN}")[ \t]*)?')
cdef object BLANK = re.compile(r"[ \t]*")
cdef object BITS = re.compile(r"8|9|1[0-5]")


cdef bint has_zlib():
    """Import it when it is first asked for.  A Python may have been built without."""
    global zlib, Error
    if zlib is None:
        try:
            import zlib as found
        except ImportError:
            return False
        zlib, Error = found, found.error
    return True


@cython.no_gc   # it refers to zlib's objects alone
@cython.final
cdef class Deflate:
    """Both directions of one connection.

    server_bits, client_bits: log2 of the window in bytes, 9 to 15 and 8 to 15.
    server_takeover, client_takeover: whether a message may refer to those before it.
    Raises ValueError for other windows, ImportError where this Python has no zlib.
    """

    def __cinit__(self, int server_bits, int client_bits, bint server_takeover,
                  bint client_takeover):
        if not LEAST_BITS <= server_bits <= LARGEST_BITS:
            raise ValueError(f"a window of {server_bits} bits for zlib")
        if not 8 <= client_bits <= LARGEST_BITS:
            raise ValueError(f"a window of {client_bits} bits")
        if not has_zlib():
            raise ImportError("this Python has no zlib")
        self.server_bits, self.client_bits = server_bits, max(client_bits, <int>LEAST_BITS)
        self.server_takeover, self.client_takeover = server_takeover, client_takeover

    cdef bytes deflate(self, bytes data):
        """The payload of a compressed message, or None when it is better sent as it is."""
        cdef bytes first, last
        if self.compressor is None:
            compressor = zlib.compressobj(LEVEL, 8, -self.server_bits, MEM_LEVEL)
            if self.server_takeover:
                self.compressor = compressor
        else:
            compressor = self.compressor
        first = compressor.compress(data)
        last = compressor.flush(2)   # Z_SYNC_FLUSH
        if (not self.server_takeover
                and len(first) + len(last) - len(TAIL) >= len(data)):
            return None
        last = last[:len(last) - len(TAIL)]
        return first + last if first else last

    cdef bytes inflate(self, char *p, Py_ssize_t n, Py_ssize_t most, int *code):
        """The message of which the n bytes at p are all of the payload.

        No more than `most` + 1 bytes are ever made of them.  None when it is refused, with the
        code of frames.h.
        """
        cdef bytes first, last
        decompressor = self.decompressor
        if decompressor is None:
            decompressor = zlib.decompressobj(-self.client_bits)
        try:
            first = decompressor.decompress(PyMemoryView_FromMemory(p, n, PyBUF_READ), most + 1)
            if PyBytes_GET_SIZE(first) <= most and not decompressor.eof:
                last = decompressor.decompress(TAIL, most + 1 - PyBytes_GET_SIZE(first))
                if last:
                    first += last
        except Error:
            code[0] = FF_WS_NOT_DEFLATED
            return None
        if PyBytes_GET_SIZE(first) > most:
            code[0] = FF_WS_TOO_BIG
            return None
        if decompressor.eof:
            # A last block (section 7.2.3.4): whoever writes one begins anew with the next message.
            # Only the byte in front of the tail that is not sent may follow it.
            if decompressor.unused_data not in (b"", b"\0", TAIL):
                code[0] = FF_WS_NOT_DEFLATED
                return None
            self.decompressor = None
        else:
            self.decompressor = decompressor if self.client_takeover else None
        return first


def negotiate(str offers not None, *, bint takeover=True):
    """What to agree to of a Sec-WebSocket-Extensions field: (its value in the answer, parameters of
    Deflate), or None when no offer can be taken.

    takeover: whether a connection may keep state from one message to the next, ours and the
    client's.  Several fields are one, joined by commas.  Extensions other than
    permessage-deflate are passed over; so are offers with a parameter that is unknown, repeated
    or has a value it cannot have (RFC 7692 section 7.1).  Raises ValueError for what is no list of
    extensions: the handshake fails then (RFC 6455 section 9.1).
    """
    cdef list parsed = parse_extensions(offers)
    if not has_zlib():
        return None
    for name, parameters in parsed:
        if name == "permessage-deflate":
            agreed = _agree(parameters, takeover)
            if agreed is not None:
                return agreed
    return None


def parse_extensions(str value not None):
    """[(name, [(parameter, value or None), ...]), ...] of a Sec-WebSocket-Extensions field.

    Raises ValueError for what is none (RFC 6455 section 9.1).
    """
    cdef list found = [], parameters
    cdef Py_ssize_t at = 0, end = len(value)
    while True:
        match = NAME.match(value, at)
        if match is None:   # an empty element, as RFC 9110 section 5.6.1.2 wants it borne
            at = BLANK.match(value, at).end()
        else:
            at, parameters = match.end(), []
            while at < end and value[at] == ";":
                parameter = PARAMETER.match(value, at + 1)
                if parameter is None:
                    raise ValueError(f"an extension without a parameter behind ';' at {at}")
                given = parameter[2]
                parameters.append((parameter[1], given if given is None else given.strip('"')))
                at = parameter.end()
            found.append((match[1], parameters))
        if at == end:
            return found
        if value[at] != ",":
            raise ValueError(f"neither ',' nor ';' behind an extension at {at}")
        at += 1


cdef object _agree(list parameters, bint takeover):
    """The answer to one offer, or None."""
    cdef dict offered = dict(parameters)
    cdef bint bounded = "client_max_window_bits" in offered
    if len(offered) != len(parameters) or not all(map(_may_be, offered.items())):
        return None
    server_bits = min(<int>WINDOW_BITS, int(offered.get("server_max_window_bits", WINDOW_BITS)))
    if server_bits < LEAST_BITS:
        return None
    client_bits = min(<int>WINDOW_BITS if bounded else <int>LARGEST_BITS,
                      int(offered.get("client_max_window_bits") or LARGEST_BITS))
    server_takeover = takeover and "server_no_context_takeover" not in offered
    client_takeover = (takeover and bounded and "client_no_context_takeover" not in offered)
    answer = f"permessage-deflate; server_max_window_bits={server_bits}"
    if bounded:
        answer += f"; client_max_window_bits={client_bits}"
    if not server_takeover:
        answer += "; server_no_context_takeover"
    if not client_takeover:
        answer += "; client_no_context_takeover"
    return answer, (server_bits, client_bits, server_takeover, client_takeover)


def _may_be(parameter):
    """Is this a parameter of section 7.1 with a value that it may have in an offer?"""
    name, value = parameter
    if name in ("server_no_context_takeover", "client_no_context_takeover"):
        return value is None
    if name == "client_max_window_bits" and value is None:
        return True
    if name in ("server_max_window_bits", "client_max_window_bits"):
        return value is not None and BITS.fullmatch(value) is not None
    return False
