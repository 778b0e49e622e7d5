"""The head of a response: checked, and written as bytes while it is checked.

`start_response` hands over a status and a list of fields; what comes out is ready to be
sent but for the framing fields, which depend on the body.  Nothing that could split a
response or forge a field gets through (CR, LF, NUL and other controls; RFC 9110 section
5.5), hop-by-hop fields belong to the server (PEP 3333) and are dropped with a word in the
log, except `Connection: close`.

Runs in: worker
"""

cimport cython
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.stdio cimport snprintf
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy
from libc.time cimport time, time_t, tm

from fastfork._core.http.scan cimport ff_equals, ff_token_span, ff_value_span
from fastfork._core.text cimport (
    PyBytes_AS_STRING,
    PyBytes_GET_SIZE,
    PyUnicode_1BYTE_KIND,
    PyUnicode_Check,
    PyUnicode_CheckExact,
    PyUnicode_DATA,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
)

cdef enum:
    FRAMING_ROOM = 384  # Content-Length or Transfer-Encoding, Connection, ServerLines, the end
    NAMES = 64          # field names that are remembered, a power of two
    NAME_MAX = 64       # ... of so many characters at most

cdef enum:  # what is to be done with a field, as its name says
    PLAIN
    DATE
    SERVER
    CONTENT_LENGTH
    CONNECTION
    HOP_BY_HOP

cdef struct known_name:
    PyObject *name      # owned, or NULL
    int kind

cdef known_name[NAMES] KNOWN_NAMES

cdef const char *DAYS = b"Sun\0Mon\0Tue\0Wed\0Thu\0Fri\0Sat"
cdef const char *MONTHS = b"Jan\0Feb\0Mar\0Apr\0May\0Jun\0Jul\0Aug\0Sep\0Oct\0Nov\0Dec"

cdef extern from "<time.h>" nogil:
    tm *gmtime_r(const time_t *when, tm *parts)


@cython.final
cdef class ServerLines:
    """The Server and Date fields, formatted once a second (RFC 9110 section 6.6.1).

    server: value of the one, ASCII.  Raises ValueError when it is longer than 200 characters."""

    def __cinit__(self, str server="fastfork"):
        line = f"Server: {server}\r\n".encode("ascii")
        if len(server) > SERVER_MAX:
            raise ValueError(f"{server[:16]!r}... is longer than {SERVER_MAX} characters")
        self.server_size = len(line)
        memcpy(self.text, <const char *>line, self.server_size)
        self.refresh()

    cdef int refresh(self) except -1:
        cdef time_t now = time(NULL)
        cdef tm t
        if now == self.second:
            return 0
        gmtime_r(&now, &t)
        # Not strftime: day and month names must not follow the locale.
        self.size = self.server_size + snprintf(
            self.text + self.server_size, sizeof(self.text) - self.server_size,
            b"Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n",
            DAYS + 4 * t.tm_wday, t.tm_mday, MONTHS + 4 * t.tm_mon, t.tm_year + 1900, t.tm_hour,
            t.tm_min, t.tm_sec)
        self.second = now
        return 0


cdef inline const char *_latin1(object text, Py_ssize_t *n) except NULL:
    """The characters of a str as bytes.  Raises UnicodeError outside latin-1."""
    if PyUnicode_KIND(text) != PyUnicode_1BYTE_KIND:
        raise ValueError(f"{text[:64]!r} has characters outside latin-1 (PEP 3333 has text "
                         f"as latin-1 'bytes in unicode')")
    n[0] = PyUnicode_GET_LENGTH(text)
    return <const char *>PyUnicode_DATA(text)


cdef int64_t _decimal(const char *p, Py_ssize_t n) noexcept:
    """1*DIGIT of at most 18 digits as a number; -1 for anything else."""
    cdef int64_t value = 0
    cdef Py_ssize_t i
    if not 0 < n <= 18:
        return -1
    for i in range(n):
        if not b'0' <= p[i] <= b'9':
            return -1
        value = value * 10 + (p[i] - 48)
    return value


cdef list _pairs(headers):
    """Fields that did not come in a list: a tuple, a generator, what iterates over pairs."""
    if isinstance(headers, (str, bytes, dict)):
        raise TypeError(f"headers must be a list of (name, value) tuples, not "
                        f"{type(headers).__name__}")
    try:
        return list(headers)
    except TypeError:
        raise TypeError(f"headers must be a list of (name, value) tuples, not "
                        f"{type(headers).__name__}") from None


cdef tuple _pair(item):
    """A field that did not come as a tuple: PEP 3333 asks for one, servers take lists too."""
    if isinstance(item, (tuple, list)):
        return tuple(item)
    raise TypeError(f"each header must be a (name, value) tuple, not {item!r:.80}")


cdef bytes octets(value):
    """What an ASGI application gives for a name, a value or a part of a body."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"ASGI has bytes here, not {value!r:.80}")


cdef int _kind_of(object field) except -1:
    """PLAIN ... HOP_BY_HOP.  Raises TypeError or ValueError for what is no field name.

    Applications name their fields by constants, so the same few str objects come again: what
    was found out of one is remembered with the object itself."""
    cdef known_name *known = &KNOWN_NAMES[(<size_t><PyObject *>field >> 4) & (NAMES - 1)]
    cdef const char *name
    cdef Py_ssize_t n
    if known.name == <PyObject *>field:
        return known.kind
    if not PyUnicode_Check(field):
        raise TypeError(f"header names and values must be str, not {field!r:.80}")
    name = _latin1(field, &n)
    if n == 0 or ff_token_span(name, name + n) != <size_t>n:
        raise ValueError(f"{field!r:.80} is no header name (RFC 9110 section 5.1)")
    if n > NAME_MAX or not PyUnicode_CheckExact(field):
        return _kind_of_token(name, n)
    Py_INCREF(field)
    Py_XDECREF(known.name)
    known.name = <PyObject *>field
    known.kind = _kind_of_token(name, n)
    return known.kind


cdef int _kind_of_token(const char *name, Py_ssize_t n) noexcept:
    cdef bint ours = False
    if n == 4:
        return DATE if ff_equals(name, n, b"date", 4) else PLAIN
    if n == 6:
        return SERVER if ff_equals(name, n, b"server", 6) else PLAIN
    if n == 14:
        return CONTENT_LENGTH if ff_equals(name, n, b"content-length", 14) else PLAIN
    if n == 10:
        if ff_equals(name, n, b"connection", 10):
            return CONNECTION
        ours = ff_equals(name, n, b"keep-alive", 10)
    elif n == 2:
        ours = ff_equals(name, n, b"te", 2)
    elif n == 7:
        ours = ff_equals(name, n, b"trailer", 7) or ff_equals(name, n, b"upgrade", 7)
    elif n == 8:
        ours = ff_equals(name, n, b"trailers", 8)
    elif n == 17:
        ours = ff_equals(name, n, b"transfer-encoding", 17)
    elif n == 16:
        ours = ff_equals(name, n, b"proxy-connection", 16)
    elif n == 18:
        ours = ff_equals(name, n, b"proxy-authenticate", 18)
    elif n == 19:
        ours = ff_equals(name, n, b"proxy-authorization", 19)
    return HOP_BY_HOP if ours else PLAIN


@cython.final
cdef class ResponseHead:
    """Reusable.  on_dropped(name: str) is called for a field that is not the application's."""

    def __cinit__(self, on_dropped):
        self.capacity = 1024
        self.buffer = <char *>malloc(self.capacity)
        if self.buffer == NULL:
            raise MemoryError
        self.on_dropped = on_dropped

    def __dealloc__(self):
        free(self.buffer)

    cdef int _need(self, Py_ssize_t n) except -1:
        cdef char *grown
        if self.size + n <= self.capacity:
            return 0
        grown = <char *>realloc(self.buffer, 2 * (self.size + n))
        if grown == NULL:
            raise MemoryError
        self.buffer = grown
        self.capacity = 2 * (self.size + n)
        return 0

    cdef int set(self, status, headers) except -1:
        """Take status and fields.  Raises TypeError or ValueError and takes nothing."""
        self.size = 0
        self._status_line(status)
        self.set_fields(headers)
        return 0

    cdef int take(self, status, headers) except -1:
        """The same for the application, whose code runs meanwhile (a field of a class of its own,
        a handler of the log), and other threads: `taken` keeps them off."""
        self.taken = True
        try:
            return self.set(status, headers)
        finally:
            self.taken = False

    cdef int end(self) except -1:
        """Nothing is to be added: this is the whole head."""
        self._need(2)
        memcpy(self.buffer + self.size, b"\r\n", 2)
        self.size += 2
        return 0

    cdef int set_fields(self, headers) except -1:
        self.has_length = self.has_date = self.has_server = self.wants_close = False
        self.length = -1
        if type(headers) is not list:
            headers = _pairs(headers)
        for item in <list>headers:
            self._field(item)
        return 0

    cdef int set_raw(self, status, headers) except -1:
        """The same of a status line and of pairs of bytes, as ASGI has them."""
        self.size = 0
        self._status_line(status)
        self.has_length = self.has_date = self.has_server = self.wants_close = False
        self.length = -1
        for name, value in headers:
            self._raw_field(name if type(name) is bytes else octets(name),
                            value if type(value) is bytes else octets(value))
        return 0

    cdef int _raw_field(self, bytes field, bytes text) except -1:
        cdef const char *name = PyBytes_AS_STRING(field)
        cdef Py_ssize_t n = PyBytes_GET_SIZE(field)
        if n == 0 or ff_token_span(name, name + n) != <size_t>n:
            raise ValueError(f"{field!r:.80} is no header name (RFC 9110 section 5.1)")
        return self._put_field(_kind_of_token(name, n), field, text, name, n,
                               PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))

    cdef int _status_line(self, status) except -1:
        cdef Py_ssize_t n
        cdef uint8_t obs = 0
        cdef const char *p
        if not PyUnicode_Check(status):
            raise TypeError(f"status must be a str like '200 OK', not {type(status).__name__}")
        p = _latin1(status, &n)
        if status is not self.last_status:
            if (n < 3 or (n > 3 and p[3] != b' ') or not b'1' <= p[0] <= b'9'
                    or not b'0' <= p[1] <= b'9' or not b'0' <= p[2] <= b'9'
                    or ff_value_span(p, p + n, &obs) != <size_t>n):
                raise ValueError(f"status must be three digits, a space and a reason, not "
                                 f"{status[:64]!r}")
            self.last_status = status
        self.status = (p[0] - 48) * 100 + (p[1] - 48) * 10 + p[2] - 48
        self._need(n + 12)
        memcpy(self.buffer, b"HTTP/1.1 ", 9)
        memcpy(self.buffer + 9, p, n)
        self.size = n + 9
        if n == 3:  # RFC 9112 section 4: the space is sent where there is no reason
            self.buffer[self.size] = b' '
            self.size += 1
        memcpy(self.buffer + self.size, b"\r\n", 2)
        self.size += 2
        return 0

    cdef int _field(self, item) except -1:
        cdef Py_ssize_t vn
        cdef int kind
        if type(item) is not tuple:
            return self._field(_pair(item))
        if len(<tuple>item) != 2:
            raise TypeError(f"each header must be a (name, value) tuple, not {item!r:.80}")
        field, text = <tuple>item
        kind = _kind_of(field)
        if not PyUnicode_Check(text):
            raise TypeError(f"header names and values must be str: {item!r:.80}")
        if PyUnicode_KIND(text) != PyUnicode_1BYTE_KIND:
            _latin1(text, &vn)  # raises
        return self._put_field(
            kind, field, text, <const char *>PyUnicode_DATA(field), PyUnicode_GET_LENGTH(field),
            <const char *>PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text))

    cdef int _put_field(self, int kind, field, text, const char *name, Py_ssize_t n,
                        const char *value, Py_ssize_t vn) except -1:
        cdef uint8_t obs = 0
        cdef char *out
        if ff_value_span(value, value + vn, &obs) != <size_t>vn:
            raise ValueError(f"the value of {field!r:.80} has a control character: {text!r:.80}")
        # RFC 9110 section 5.5: white space around a value is no part of it.
        if vn and (value[vn - 1] <= b' ' or value[0] <= b' '):
            while vn and (value[vn - 1] == b' ' or value[vn - 1] == b'\t'):
                vn -= 1
            while vn and (value[0] == b' ' or value[0] == b'\t'):
                value += 1
                vn -= 1
        if kind != PLAIN and not self._takes(kind, field, value, vn):
            return 0
        self._need(n + vn + 4)
        out = self.buffer + self.size
        memcpy(out, name, n)
        memcpy(out + n, b": ", 2)
        memcpy(out + n + 2, value, vn)
        memcpy(out + n + 2 + vn, b"\r\n", 2)
        self.size += n + vn + 4
        return 0

    cdef bint _takes(self, int kind, field, const char *value, Py_ssize_t vn) except -1:
        """Is this field the application's to send?  Notes what the server must know."""
        if kind == DATE:
            self.has_date = True
        elif kind == SERVER:
            self.has_server = True
        elif kind == CONTENT_LENGTH:
            self.length = -1 if self.has_length else _decimal(value, vn)
            if self.length < 0:
                raise ValueError(f"Content-Length must be one decimal number, not "
                                 f"{value[:min(vn, 40)]!r}, and be given once")
            if self.status == 205:  # its length is 0 and said by us: RFC 9110 section 15.3.6
                self.length = -1
                return False
            self.has_length = True
            return self.status >= 200 and self.status != 204  # RFC 9110 section 8.6
        elif kind == CONNECTION and b"close" in [
                member.strip() for member in value[:vn].lower().split(b",")]:
            self.wants_close = True
            return False
        else:
            self.on_dropped(field.lower() if PyUnicode_Check(field) else
                            field.lower().decode("ascii"))
            return False
        return True

    cdef Py_ssize_t finish_bound(self) noexcept:
        """Bytes that finish() may write at most."""
        return self.size + FRAMING_ROOM

    cdef Py_ssize_t finish(self, char *out, bint chunked, int closing,
                           ServerLines lines) noexcept:
        """Write the whole head to `out` and return its length."""
        cdef char *p = out + self.size
        cdef char digits[24]
        cdef int n
        memcpy(out, self.buffer, self.size)
        if self.added >= 0:
            memcpy(p, b"Content-Length: ", 16)
            n = snprintf(digits, sizeof(digits), b"%lld\r\n", <long long>self.added)
            memcpy(p + 16, digits, n)
            p += 16 + n
        elif chunked:
            memcpy(p, b"Transfer-Encoding: chunked\r\n", 28)
            p += 28
        if closing == SAYS_CLOSE:
            memcpy(p, b"Connection: close\r\n", 19)
            p += 19
        elif closing == SAYS_KEEP_ALIVE:
            memcpy(p, b"Connection: keep-alive\r\n", 24)
            p += 24
        if not self.has_server and not self.has_date:
            memcpy(p, lines.text, lines.size)
            p += lines.size
        elif not self.has_server:
            memcpy(p, lines.text, lines.server_size)
            p += lines.server_size
        elif not self.has_date:
            memcpy(p, lines.text + lines.server_size, lines.size - lines.server_size)
            p += lines.size - lines.server_size
        memcpy(p, b"\r\n", 2)
        return p + 2 - out
