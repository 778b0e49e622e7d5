"""The WSGI environ, built straight from the received bytes (PEP 3333).

A template dict holds everything that is the same for all requests of a listener, plus a
placeholder for each key that every request sets.  Copying a dict of that size copies its
hash table in one go, and setting a key that is there changes no table.  Field names are
looked up by their bytes in a small table that gives the interned `HTTP_*` key; beside each
name stands the last value, because clients repeat themselves.

Runs in: worker
"""

cimport cython
from cpython.dict cimport PyDict_Copy, PyDict_SetItem, PyDict_Size
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy

from fastfork._core.http.scan cimport (
    FF_ABSOLUTE_FORM,
    FF_CONTENT_LENGTH,
    FF_CONTENT_TYPE,
    FF_PROXY,
    FF_TRANSFER_ENCODING,
    ff_field,
    ff_framing,
    ff_head,
    ff_unfold,
    ff_unquote,
)
from fastfork._core.text cimport (
    PyUnicode_DATA,
    PyUnicode_DecodeLatin1,
    PyUnicode_GET_LENGTH,
    latin1,
)

import sys


cdef extern from "Python.h":
    PyObject *PyDict_SetDefault(object d, object key, object default) except NULL


cdef str REQUEST_METHOD = sys.intern("REQUEST_METHOD")
cdef str PATH_INFO = sys.intern("PATH_INFO")
cdef str QUERY_STRING = sys.intern("QUERY_STRING")
cdef str RAW_URI = sys.intern("RAW_URI")
cdef str SERVER_PROTOCOL = sys.intern("SERVER_PROTOCOL")
cdef str HTTP_HOST = sys.intern("HTTP_HOST")
cdef str FIELDS = sys.intern("fastfork.fields")
cdef str HTTP_1_0 = sys.intern("HTTP/1.0")
cdef str SLASH = "/"
cdef tuple METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS")

cdef enum:
    TOLD_MAX = 100  # dropped names logged in a worker's life: a client must not fill the log


# Their values are secrets: kept no longer than the request.
cdef frozenset SECRET = frozenset(
    {"HTTP_AUTHORIZATION", "HTTP_PROXY_AUTHORIZATION", "HTTP_COOKIE", "HTTP_X_API_KEY"}
)


cdef inline uint32_t _hash(const char *p, Py_ssize_t n) noexcept nogil:
    """Mixes length, first and last bytes; equal names always agree, others mostly differ."""
    cdef unsigned long long a = 0, b = 0
    if n >= 8:
        memcpy(&a, p, 8)
        memcpy(&b, p + n - 8, 8)
    else:
        memcpy(&a, p, n)
    a = (a ^ (b << 29) ^ (b >> 35) ^ <unsigned long long>n) * 0x9E3779B97F4A7C15ULL
    return <uint32_t>(a >> 32)


cdef object _method(const char *p, Py_ssize_t n):
    for known in METHODS:
        if PyUnicode_GET_LENGTH(known) == n and memcmp(PyUnicode_DATA(known), p, n) == 0:
            return known
    return latin1(p, n, False)


cdef object _unquoted(const char *p, Py_ssize_t n):
    """PATH_INFO: percent-decoded once, as latin-1 text."""
    cdef uint8_t obs = 0
    cdef bytearray room = bytearray(n)
    cdef char *out = room
    cdef Py_ssize_t size = ff_unquote(out, p, n, &obs)
    return PyUnicode_DecodeLatin1(out, size, NULL)


cdef bytes unfolded(bytes value):
    """A folded value on one line."""
    cdef bytearray room = bytearray(len(value))
    cdef char *out = room
    cdef Py_ssize_t size = ff_unfold(out, value, len(value))
    return bytes(room[:size])


@cython.final
cdef class EnvironBuilder:
    """Builds environs.  on_dropped(name: str) is called once a name for a field that was
    left out because of an underscore in its name (it would pass for another field).

    maps_underscores: such fields are not left out (header_map = dangerous), unless they would
    pass for one that is watched.
    keeps_fields: `fastfork.fields` has them as they came.
    casefolds: REQUEST_METHOD is upper case, whatever was received (casefold_http_method).

    Of peers that are trusted: watched, the environ keys that say something of the client;
    forwarders, names of fields (in upper case, or `*`) that are kept though they have an
    underscore, and then stand for what anybody else has sent under that key; refuses: the others
    with an underscore are refused (header_map = refuse).
    """

    def __cinit__(self, *, on_dropped, bint maps_underscores=False, bint casefolds=False,
                  watched=None, forwarders=None, bint refuses=False, bint keeps_fields=False):
        self._on_dropped = on_dropped
        self._maps_underscores = maps_underscores
        self._casefolds = casefolds
        self._watched = watched
        self._forwarders = forwarders
        self._refuses = refuses
        self._keeps_fields = keeps_fields
        self._told = set()
        self.blocks = FieldBlocks()
        self.names = <name_entry *>calloc(NAMES, sizeof(name_entry))
        if self.names == NULL:
            raise MemoryError

    def __dealloc__(self):
        if self.names == NULL:
            return
        for i in range(NAMES):
            Py_XDECREF(self.names[i].key)
            Py_XDECREF(self.names[i].value)
        free(self.names)

    def forget_values(self):
        """Drop what is remembered of fields; the worker does this when it has been idle."""
        self.blocks.clear()
        for i in range(NAMES):
            Py_XDECREF(self.names[i].value)
            self.names[i].value = NULL

    cdef object _key(self, const char *name, Py_ssize_t n, const ff_field *field,
                     bint keeps):
        """The environ key of a field name, or None when the field is dropped.

        keeps: the key will be kept; only then is it interned, since an interned str may live
        for ever (CPython 3.12) and clients can make up names.
        """
        cdef str text = name[:n].decode("ascii").upper()
        cdef str key = text.replace("-", "_")
        # Transfer-Encoding has done its work: the application reads the decoded body, whose
        # length is known by then.  Handing it on would invite a second decoding.
        if field.id == FF_PROXY or field.id == FF_TRANSFER_ENCODING:
            return None
        if field.id != FF_CONTENT_TYPE and field.id != FF_CONTENT_LENGTH:
            key = "HTTP_" + key
        if field.has_underscore and self._is_dropped(text, key):
            text = name[:n].decode("ascii")
            if text not in self._told and len(self._told) < TOLD_MAX:
                self._told.add(text)
                self._on_dropped(text)
            return None
        return sys.intern(key) if keeps else key

    def _is_forwarder(self, str name):
        return self._forwarders is not None and (
            "*" in self._forwarders or name in self._forwarders)

    def _is_dropped(self, str name, str key):
        """A proxy overwrites what it says of the client, and not what only looks like it."""
        if self._is_forwarder(name):
            return False
        return not self._maps_underscores or (
            self._watched is not None and key in self._watched)

    cdef uint8_t _mark(self, const char *name, const ff_field *field, key):
        if key == "HTTP_UPGRADE":
            return UPGRADES
        if self._watched is None:
            return 0
        if key is None:
            return FORBIDDEN if self._refuses and field.has_underscore else 0
        if (field.has_underscore
                and self._is_forwarder(name[:field.name.len].decode("ascii").upper())):
            return OWN | (SCRIPT if key == "HTTP_SCRIPT_NAME" else 0) | FORWARDED
        return FORWARDED if key in self._watched else 0

    cdef int _note(self, int mark, object key, object value) except -1:
        """A field that is marked.  1 when it goes to the environ behind all others."""
        cdef int before = self.marks
        self.marks |= mark
        if not mark & OWN:
            return 0
        if not before & OWN:
            self._own = {}  # the first of this request
        self._own[key] = f"{self._own[key]},{value}" if key in self._own else value
        return 1

    cdef name_entry *_entry(self, const char *name, Py_ssize_t n,
                            const ff_field *field) except NULL:
        cdef uint32_t hash = _hash(name, n)
        cdef name_entry *e = &self.names[hash & (NAMES - 1)]
        if e.hash == hash and e.size == n and memcmp(e.name, name, n) == 0:
            return e
        if e.key != NULL:
            # Two places a name; the second one changes hands, so that names seen early
            # (the common ones) cannot be driven out by a client that invents new ones.
            e = &self.names[(hash & (NAMES - 1)) ^ 1]
            if e.hash == hash and e.size == n and memcmp(e.name, name, n) == 0:
                return e
        key = self._key(name, n, field, e.key == NULL)
        Py_INCREF(key)
        Py_XDECREF(e.key)
        Py_XDECREF(e.value)
        e.key = <PyObject *>key
        e.value = NULL
        e.hash = hash
        e.size = <uint8_t>n
        e.mark = self._mark(name, field, key)
        e.keeps_value = key is not None and key not in SECRET and not e.mark
        memcpy(e.name, name, n)
        return e

    cdef list _fields(self, const char *base, const ff_head *head):
        """The fields as they came, in their order: [(name in lower case, value), ...] as bytes.

        Those that the environ must not have are left out here too: a framework that makes such
        keys of them would take them for others."""
        cdef const ff_field *field
        cdef uint32_t i
        cdef list fields = []
        for i in range(head.nfields):
            field = &head.fields[i]
            name = base[field.name.at:field.name.at + field.name.len].lower()
            if field.id == FF_PROXY:
                continue
            if field.has_underscore:
                text = name.decode("ascii").upper()
                if self._is_dropped(text, "HTTP_" + text.replace("-", "_")):
                    continue
            value = base[field.value.at:field.value.at + field.value.len]
            fields.append((name, unfolded(value) if field.has_fold else value))
        return fields

    cdef int _add_field(self, dict environ, const char *base, const ff_field *field) except -1:
        cdef const char *name = base + field.name.at
        cdef const char *p = base + field.value.at
        cdef Py_ssize_t n = field.value.len
        cdef name_entry *e
        cdef Py_ssize_t size
        cdef PyObject *old
        cdef object key, value
        if 0 < field.name.len <= NAME_MAX:
            e = self._entry(name, field.name.len, field)
            key = <object>e.key
            if key is None:
                self.marks |= e.mark
                return 0
            if not e.keeps_value or n > VALUE_MAX or field.has_fold:
                value = self._text(p, n, field)
                if e.mark and self._note(e.mark, key, value):
                    return 0
            elif (e.value != NULL and PyUnicode_GET_LENGTH(<object>e.value) == n
                    and memcmp(PyUnicode_DATA(<object>e.value), p, n) == 0):
                value = <object>e.value  # one byte a character: latin-1 is its own storage
            else:
                value = latin1(p, n, field.has_obs_text)
                Py_INCREF(value)
                Py_XDECREF(e.value)
                e.value = <PyObject *>value
        else:
            key = self._key(name, field.name.len, field, False)
            value = self._text(p, n, field)
            if self._note(self._mark(name, field, key), key, value) or key is None:
                return 0
        size = PyDict_Size(environ)
        old = PyDict_SetDefault(environ, key, value)
        if PyDict_Size(environ) == size:  # identity would not tell: equal values are shared
            self._repeat(key, <object>old, value)
        return 0

    cdef int _repeat(self, object key, object old, object value) except -1:
        """A field comes again.  Joined at the end: one by one, a thousand would be copied a
        thousand times."""
        if self._repeats is None:
            self._repeats = {}
        if self._watched is not None and key in self._watched:
            self.marks |= REPEATED
        self._repeats.setdefault(key, [old]).append(value)
        return 0

    cdef int _join_repeats(self, dict environ) except -1:
        repeats, self._repeats = self._repeats, None
        for key, values in (<dict>repeats).items():
            # RFC 9110 section 5.3; for Cookie RFC 6265 section 5.4.
            environ[key] = ("; " if key == "HTTP_COOKIE" else ",").join(values)
        return 0

    cdef object _text(self, const char *p, Py_ssize_t n, const ff_field *field):
        if not field.has_fold:
            return latin1(p, n, field.has_obs_text)
        value = unfolded(p[:n])
        return PyUnicode_DecodeLatin1(value, len(value), NULL)

    cdef dict _with_fields(self, const char *base, const ff_head *head,
                           const ff_framing *framing):
        """The template with what the fields add to it."""
        cdef FieldBlocks blocks = self.blocks
        cdef dict environ
        cdef uint32_t i
        if blocks.known is not None:
            self.marks = blocks.marks
            environ = <dict>PyDict_Copy(blocks.known)
            blocks.known = None
            return environ
        environ = <dict>PyDict_Copy(blocks.template)
        self._repeats = None
        self.marks = 0
        for i in range(head.nfields):
            self._add_field(environ, base, &head.fields[i])
        if self._keeps_fields:
            environ[FIELDS] = self._fields(base, head)
        if self._repeats is not None:
            self._join_repeats(environ)
        if self.marks & OWN:
            environ.update(self._own)
            self._own = None
        if blocks.size and not head.is_lenient:
            blocks.keep(environ, self.marks, framing)
            if blocks.is_seen:
                environ = <dict>PyDict_Copy(environ)
        return environ

    cdef dict build(self, const char *base, const ff_head *head, const ff_framing *framing):
        """The environ of the head at `base`, for what `blocks` was asked."""
        cdef dict environ = self._with_fields(base, head, framing)
        cdef bint obs = head.target_has_obs
        cdef object target = latin1(base + head.target.at, head.target.len, obs)
        method = _method(base + head.method.at, head.method.len)
        PyDict_SetItem(environ, REQUEST_METHOD, method.upper() if self._casefolds else method)
        PyDict_SetItem(environ, RAW_URI, target)
        if head.path.len == 0:
            PyDict_SetItem(environ, PATH_INFO, SLASH)
        elif head.path_has_percent:
            PyDict_SetItem(environ, PATH_INFO,
                           _unquoted(base + head.path.at, head.path.len))
        elif head.path.len == head.target.len:
            PyDict_SetItem(environ, PATH_INFO, target)
        else:
            PyDict_SetItem(environ, PATH_INFO,
                           latin1(base + head.path.at, head.path.len, obs))
        if head.query.len:
            PyDict_SetItem(environ, QUERY_STRING,
                           latin1(base + head.query.at, head.query.len, obs))
        if head.minor == 0:
            PyDict_SetItem(environ, SERVER_PROTOCOL, HTTP_1_0)
        if head.form == FF_ABSOLUTE_FORM:
            # RFC 9112 section 3.2.2: the authority of the target replaces Host.
            environ[HTTP_HOST] = latin1(base + head.authority.at, head.authority.len, False)
        return environ
