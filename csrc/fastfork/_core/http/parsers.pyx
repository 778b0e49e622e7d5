"""Request head parsers: bytes in, offsets and framing out.

`HeadParser` is the native parser: `csrc/http1/scan.c` finds and checks, `csrc/http1/framing.c` decides
what follows.  `HttptoolsParser` is the same, with llhttp as a second judge: every complete
head is also fed to it, and it must agree that this is one head, and whether a body follows.
What either refuses is refused, so a request that two parsers read differently (which is what
smuggling needs) never reaches the application.  No callback runs per field: a Python call per
field would cost more than the whole rest of the request.

A parser keeps no bytes and no state between heads.  One serves all connections of a worker.

Runs in: worker
"""

from libc.stdlib cimport free, malloc, realloc

from fastfork._core.http.scan cimport (
    FF_NEED_FIELDS,
    FF_REFUSE_UNDERSCORE,
    FF_SECOND_OPINION,
    FF_TOO_MANY_FIELDS,
    FF_TRANSFER_ENCODING,
    ff_field,
    ff_frame,
    ff_limits,
    ff_scan_fields,
    ff_scan_line,
)

cdef enum:
    FIRST_FIELDS = 64      # field slots to begin with; grown up to the limit
    MOST_FIELDS = 1 << 20  # even with limit_request_fields = 0
    MOST_BYTES = 1 << 30   # of a head, even with limit_request_head = 0: offsets have 32 bits


cdef class HeadParser:
    """The native parser.

    line, fields, field_size, head: the limits of the request head in bytes (`fields` is a
    count), 0 = no limit.  max_body: bytes a body may have, 0 = no limit.  options: what is
    permitted or refused beyond the rules, bits of scan.h (fastfork.http.Leniency).
    """

    def __cinit__(self, *, int64_t line, int64_t fields, int64_t field_size, int64_t head,
                  int64_t max_body, uint32_t options=0):
        self.limits.line = <uint32_t>min(line, <int64_t>MOST_BYTES)
        self.limits.fields = <uint32_t>min(fields, <int64_t>MOST_FIELDS)
        self.limits.field_size = <uint32_t>min(field_size, <int64_t>MOST_BYTES)
        self.limits.head = <uint32_t>min(head or <int64_t>MOST_BYTES, <int64_t>MOST_BYTES)
        self.limits.options = options
        self.lenient = self.limits
        self.lenient.options &= ~<uint32_t>FF_REFUSE_UNDERSCORE
        self.max_body = max_body
        self.head.capacity = FIRST_FIELDS
        self.head.fields = <ff_field *>malloc(FIRST_FIELDS * sizeof(ff_field))
        if self.head.fields == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.head.fields)

    cdef int _grow_fields(self) except -1:
        cdef uint32_t more = self.head.capacity * 2
        cdef ff_field *grown
        grown = <ff_field *>realloc(self.head.fields, more * sizeof(ff_field))
        if grown == NULL:
            raise MemoryError
        self.head.fields = grown
        self.head.capacity = more
        return 0

    cdef Py_ssize_t parse(self, const char *p, Py_ssize_t n, FieldBlocks blocks,
                          const ff_limits *limits) except 0:
        cdef Py_ssize_t known
        self.line = ff_scan_line(p, <size_t>n, limits, &self.head)
        if self.line < 0:
            return self.line
        if blocks is not None and self.head.minor == 1:
            known = blocks.find(p + self.line, n - self.line)
            # Valid it is, and whether the whole head is too long depends on this request line.
            if known and (not limits.head or self.line + known <= limits.head):
                self.head.nfields = 0
                self.framing = blocks.framing
                return self.line + known
            known = self._read_fields(p, n, limits)
            if known != self.line + blocks.size:
                blocks.size = 0  # it was not one block
            return known
        return self._read_fields(p, n, limits)

    cdef Py_ssize_t _read_fields(self, const char *p, Py_ssize_t n,
                                 const ff_limits *limits) except 0:
        """The length of the head whose fields begin at `line`, or a code."""
        cdef Py_ssize_t used = ff_scan_fields(p, <size_t>n, self.line, limits, &self.head)
        cdef int rc
        while used == FF_NEED_FIELDS:
            if self.head.capacity >= MOST_FIELDS:
                return FF_TOO_MANY_FIELDS
            self._grow_fields()
            used = ff_scan_fields(p, <size_t>n, self.line, limits, &self.head)
        if used > 0:
            rc = ff_frame(p, &self.head, self.max_body, &self.framing)
            if rc < 0:
                return rc
        return used


# Methods that llhttp knows from RTSP, ICE and HTTP/2, and refuses in HTTP/1.
OTHER_PROTOCOLS = frozenset(
    b"ANNOUNCE DESCRIBE FLUSH GET_PARAMETER PAUSE PLAY PRI RECORD REDIRECT SETUP "
    b"SET_PARAMETER TEARDOWN".split())


cdef class Lens:
    """Shows httptools, which asks for a PyBUF_SIMPLE, the bytes where they are: no head is
    copied for it."""

    def __getbuffer__(self, Py_buffer *view, int flags):
        # Not PyBuffer_FillInfo: it would overwrite the reference to None that Cython put here.
        view.obj = self
        view.buf = <void *>self.at
        view.len = self.size
        view.itemsize = 1
        view.readonly = 1
        view.ndim = 1
        view.format = NULL
        view.shape = NULL
        view.strides = NULL
        view.suboffsets = NULL
        view.internal = NULL


cdef class Witness:
    """The protocol object httptools reports to: it only counts."""

    def on_headers_complete(self):
        self.heads += 1

    def on_message_complete(self):
        self.messages += 1


cdef class HttptoolsParser(HeadParser):
    """The native parser, seconded by llhttp through httptools."""

    def __init__(self, *, line, fields, field_size, head, max_body, options=0):
        import httptools  # here, so that the native parser works without it

        self._make = httptools.HttpRequestParser
        self._upgrade = httptools.HttpParserUpgrade
        self._invalid_method = httptools.HttpParserInvalidMethodError
        self._error = httptools.HttpParserError
        self._lens = Lens()
        self._witness = Witness()
        self._renew()

    def _renew(self):
        """A parser that has seen a body announced, or an error, cannot be used again."""
        self._parser = self._make(self._witness)
        # Each head is a message of its own here: whether the connection goes on after a
        # "close" is decided by our framing, so it must read the next head after one.
        self._parser.set_dangerous_leniencies(lenient_keep_alive=True)
        self._feed = self._parser.feed_data

    cdef bint _agrees(self, const char *p, Py_ssize_t n, bint has_body) except -1:
        """Does llhttp read these n bytes as exactly one head with the same framing?"""
        cdef bint agrees
        cdef bytes plainer
        if self.head.target_has_obs or self.framing.te_has_tab:
            plainer = self._plainer(p, n)
            p = plainer
        self._lens.at = p
        self._lens.size = n
        self._witness.heads = self._witness.messages = 0
        try:
            self._feed(self._lens)
        except self._upgrade:
            # It stops where an upgrade would begin.  We do none: the body is framed by us.
            self._renew()
            return self._witness.heads == 1
        except self._invalid_method:
            # Not in llhttp's table, which no protocol bounds: the native verdict stands.
            self._renew()
            return True
        except self._error:
            self._renew()
            return self._is_foreign(p)
        agrees = self._witness.heads == 1 and self._witness.messages == (0 if has_body else 1)
        if has_body or not agrees:
            self._renew()  # it waits for the body, or for the rest of an HTTP/2 preface
        return agrees or self._is_foreign(p)

    cdef bytes _plainer(self, const char *p, Py_ssize_t n):
        """The n bytes of the head at p without what is served here and refused by llhttp: bytes
        above 0x7F in the target, a tab behind the value of Transfer-Encoding.

        One byte stands for another, so what frames is judged as it was received."""
        cdef bytes plainer = p[:n]
        cdef char *text = plainer
        cdef ff_field *field
        cdef uint32_t i, at
        for i in range(self.head.target.at, self.head.target.at + self.head.target.len):
            if <unsigned char>text[i] >= 0x80:
                text[i] = b'x'
        for i in range(self.head.nfields):
            field = &self.head.fields[i]
            at = field.value.at + field.value.len
            while field.id == FF_TRANSFER_ENCODING and (text[at] == b' ' or text[at] == b'\t'):
                text[at] = b' '
                at += 1
        return plainer

    cdef bint _is_foreign(self, const char *p) except -1:
        """Is the method one that llhttp keeps for another protocol?"""
        cdef const char *method = p + self.head.method.at
        return method[:self.head.method.len] in OTHER_PROTOCOLS

    cdef Py_ssize_t parse(self, const char *p, Py_ssize_t n, FieldBlocks blocks,
                          const ff_limits *limits) except 0:
        cdef Py_ssize_t used = HeadParser.parse(self, p, n, blocks, limits)
        cdef bint agrees
        cdef bytes line
        # llhttp knows 1.0 and 1.1; RFC 9110 section 2.5 has 1.2-1.9 served as 1.1.  And what
        # only a setting permits, llhttp would refuse: there the setting is the judge.
        if used < 0 or self.head.minor > 1 or self.head.is_lenient:
            return used
        if blocks is not None and blocks.known is not None:
            # It has agreed to the fields when they came first.
            line = p[:self.line] + b"\r\n"
            agrees = self._agrees(line, len(line), False)
        else:
            agrees = self._agrees(p, used, self.framing.chunked or self.framing.content_length > 0)
        return used if agrees else FF_SECOND_OPINION
