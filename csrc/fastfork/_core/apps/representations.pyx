"""The files behind a path, and which of them a client gets (RFC 9110 sections 3.2 and 12.5.3).

Beside `app.css` there may be `app.css.br`: the same in another coding.  Each is a representation
with an entity tag of its own.  A file is opened anew for each request; what is remembered of it is
text only, the fields of its responses, and they are made anew when inode, size or date of the
descriptor are others.

Runs in: worker
"""

from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject
from libc.errno cimport errno
from libc.stdint cimport int64_t
from posix.time cimport CLOCK_REALTIME, clock_gettime, timespec
from posix.unistd cimport close

from fastfork._core.port cimport ff_changed

from fastfork._core.ticks cimport now_ns

import os
import sys

from fastfork._core.apps.conditions import accepted, http_date

cdef extern from "<sys/stat.h>" nogil:
    int fstat(int fd, file_facts *facts)

cdef enum:
    WEIGHTS_MAX = 256       # Accept-Encoding fields that are remembered
    YOUNG_NS = 1000000000   # a file may change again without another date for so long
    LOOK_NS = 1000000000    # how long it is remembered which variants there are

cdef str ACCEPT_ENCODING = sys.intern("HTTP_ACCEPT_ENCODING")

# Codings, and what a file is called that has the content of another one in it.  Where a client
# takes several as gladly, the smallest is sent.
CODINGS = (("zstd", b".zst"), ("br", b".br"), ("gzip", b".gz"))
cdef tuple CODING_NAMES = tuple(coding for coding, _ in CODINGS)

cdef tuple VARY = ("Vary", "Accept-Encoding")
cdef tuple RANGES = ("Accept-Ranges", "bytes")

# Accept-Encoding -> what it means, see `accepted`.
cdef dict weights_of = {}


cdef tuple _weights(str value):
    weights = weights_of.get(value)
    if weights is None:
        if len(weights_of) >= WEIGHTS_MAX:
            weights_of.clear()
        weights = weights_of[value] = accepted(value, CODING_NAMES)
    return <tuple>weights


cdef bint _is_older(const file_facts *variant, const file_facts *file) noexcept:
    """Was the variant made of another version?  Tools that compress copy the date of the file,
    some of them without its fraction."""
    cdef timespec one = ff_changed(variant), other = ff_changed(file)
    if one.tv_sec != other.tv_sec:
        return one.tv_sec < other.tv_sec
    return 0 < one.tv_nsec < other.tv_nsec


cdef bint _is(Representation known, const file_facts *facts) noexcept:
    """Is what is known of a file still so?"""
    cdef timespec changed = ff_changed(facts)
    return (known is not None and known.lasts
            and known.seconds == changed.tv_sec
            and known.nanoseconds == changed.tv_nsec
            and known.size == facts.st_size and known.inode == facts.st_ino)


cdef class Mount:

    def __cinit__(self, str prefix, str directory, *, bint follows):
        self.root.fd = -1
        self.prefix = prefix.rstrip("/").encode("latin-1")
        self.root.fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.root.follows = follows

    def __dealloc__(self):
        if self.root.fd >= 0:
            close(self.root.fd)

    cdef int open(self, const char *name, file_facts *facts) noexcept:
        """A descriptor and what fstat(2) says of it, or a negative errno."""
        cdef int error, fd = ff_beneath_open(&self.root, name)
        if fd >= 0 and fstat(fd, facts) != 0:
            error = errno
            close(fd)
            return -error
        return fd


cdef class Resource:

    cdef int describe(self, facts) except -1:
        """facts: (media type, fields of all responses, fields of those that are no errors,
        whether there may be variants)."""
        self.media_type, self.extras, common, self.may_vary = facts
        self.common = [*common, *self.extras]
        return 0

    cdef Representation select(self, dict environ, FileSegment file, file_facts *facts):
        """The representation that the client gets.

        file: the plain one, and facts of it; its descriptor is changed for that of the variant
        when one is chosen."""
        cdef file_facts others
        cdef Variant variant
        cdef int64_t now
        cdef int fd
        if self.may_vary:
            now = now_ns()
            if not self.looked_ns or now - self.looked_ns > LOOK_NS:
                self._look_for_variants(facts, now)
            variant = self._preferred(environ)
            if variant is not None:
                fd = self.mount.open(variant.name, &others)
                if fd >= 0 and S_ISREG(others.st_mode) and not _is_older(&others, facts):
                    close(file.fd)
                    file.fd = fd
                    if not _is(variant.now, &others):
                        variant.now = self._represented(&others, variant.coding)
                    return variant.now
                self.looked_ns = 0
                if fd >= 0:
                    close(fd)
        if not _is(self.plain, facts):
            self.plain = self._represented(facts, None)
        return self.plain

    cdef int _look_for_variants(self, const file_facts *file, int64_t now) except -1:
        """Note which variants there are.  One that is not smaller is of no use."""
        cdef file_facts facts
        cdef Variant variant
        cdef list found = []
        cdef bint varied = bool(self.variants)
        cdef int fd
        for number, (coding, suffix) in enumerate(CODINGS):
            variant = Variant.__new__(Variant)
            variant.name = self.name + suffix
            variant.coding = coding
            variant.number = number
            fd = self.mount.open(variant.name, &facts)
            if fd < 0:
                continue
            close(fd)
            if (S_ISREG(facts.st_mode) and not _is_older(&facts, file)
                    and facts.st_size < file.st_size):
                found.append((facts.st_size, number, variant))
        found.sort()
        self.variants = [variant for _, _, variant in found]
        self.looked_ns = now
        if varied != bool(found):
            self.plain = None  # it has another Vary
        return 0

    cdef Variant _preferred(self, dict environ):
        """The variant that the client would rather have than the file, None for none."""
        cdef Variant variant, best = None
        cdef PyObject *value
        cdef tuple weights
        cdef int most = 0, weight
        if not self.variants:
            return None
        value = PyDict_GetItem(environ, ACCEPT_ENCODING)
        if value == NULL:
            return None
        weights = _weights(<str>value)
        for variant in self.variants:
            weight = weights[variant.number]
            if weight > most:
                best, most = variant, weight
        weight = weights[len(CODING_NAMES)]
        return None if weight > most else best

    cdef Representation _represented(self, const file_facts *facts, str coding):
        """What the fields of responses say of a file; coding: of a variant, or None."""
        cdef Representation made = Representation.__new__(Representation)
        cdef timespec now, changed = ff_changed(facts)
        cdef int64_t ns = changed.tv_sec * <int64_t>1000000000 + changed.tv_nsec
        cdef list validators = []
        made.inode, made.size = facts.st_ino, facts.st_size
        made.seconds, made.nanoseconds = changed.tv_sec, changed.tv_nsec
        clock_gettime(CLOCK_REALTIME, &now)
        made.lasts = now.tv_sec * <int64_t>1000000000 + now.tv_nsec - ns >= YOUNG_NS
        # File systems without dates say 0, and tools that build the same twice say 0 or 1.
        if made.seconds > 0:
            weak = "" if made.lasts else "W/"
            made.etag = f'{weak}"{ns:x}-{made.size:x}-{made.inode:x}"'
            validators.append(("ETag", made.etag))
        if made.seconds > 1:
            made.date = http_date(made.seconds)
        varied = [VARY] if self.variants else []
        made.kept = [*validators, *varied, *self.common]
        if made.date is not None:
            validators.append(("Last-Modified", made.date))
        coded = [] if coding is None else [("Content-Encoding", coding)]
        made.fields = [
            ("Content-Type", self.media_type), *validators, RANGES, *coded, *varied, *self.common]
        return made
