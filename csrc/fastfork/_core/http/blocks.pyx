"""Field blocks that come again.

Clients repeat themselves: what stands behind the request line is mostly, byte for byte, what
stood there in an earlier request.  What was made of it then (that it is valid, how it frames the
body, which keys it adds to the environ) is made of it again.  Nothing that depends on the
connection, the peer or the request line is kept, and a block is compared whole.

A block is kept when it comes for the second time; until then there is only a number for it.
The blocks hold what the clients sent, cookies and credentials too: all of them are dropped when
one is `KEPT_SECONDS` old, and sooner in a worker that has nothing to do.  The hub sees to it when
the worker looks up from its loop (see `Hub.rest`).

Runs in: worker
"""

from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy

from fastfork._core.ticks cimport now_ns

import os

cdef extern from "http1/block.h" nogil:
    size_t ff_block_size(const char *p, size_t n)
    bint ff_ends_block(const char *p, size_t n)
    uint64_t ff_block_hash(const char *p, size_t n, uint64_t seed)

cdef enum:
    PLACES = 1024              # a power of two
    ALONE_MAX = 2048           # bytes that are taken for one head's, if they end like one
    SIZE_MAX = 4096            # bytes; longer blocks are not kept
    MOST = 2 << 20             # bytes of all together: the blocks, their values and their dicts
    DICT_SIZE = 2048           # bytes of a dict, about

KEPT_SECONDS = 10.0


cdef class FieldBlocks:
    """The blocks of one worker and one EnvironBuilder, which makes the environs."""

    def __cinit__(self):
        self.kept_seconds = KEPT_SECONDS
        self.seed = int.from_bytes(os.urandom(8), "little")

    def __dealloc__(self):
        self.clear()

    def clear(self):
        """Forget all of them."""
        if self.places == NULL:
            return
        for i in range(PLACES):
            self._drop(&self.places[i])
        free(self.places)
        self.places = NULL

    def expire(self):
        """Forget all of them if one is older than `kept_seconds`."""
        if self.kept and now_ns() - self.since_ns > self.kept_seconds * 1e9:
            self.clear()

    cdef int _drop(self, block *one) except -1:
        if one.bytes == NULL:
            return 0
        self.kept -= 2 * one.size + DICT_SIZE
        free(one.bytes)
        one.bytes = NULL
        Py_XDECREF(one.template)
        Py_XDECREF(one.environ)
        return 0

    cdef Py_ssize_t _found(self, block *one) except -1:
        self.known = <dict>one.environ
        self.marks = one.marks
        self.framing = one.framing
        self.hint = <uint16_t>(one - self.places + 1)
        return one.size

    cdef Py_ssize_t find(self, const char *p, Py_ssize_t n) except -1:
        """The size of the block at p if it is known, else 0.  For what `ask` was told."""
        cdef block *one
        cdef size_t size
        if self.places == NULL:
            self.places = <block *>calloc(PLACES, sizeof(block))
            if self.places == NULL:
                raise MemoryError
        if self.hint:
            one = &self.places[self.hint - 1]
            if (one.bytes != NULL and one.size <= n and one.template == <PyObject *>self.template
                    and memcmp(one.bytes, p, one.size) == 0):
                return self._found(one)
        # Where several heads have come at once, only the last is found here, and the others by
        # the hint: to look for the end of each would cost more than it saves.
        size = n if n <= ALONE_MAX and ff_ends_block(p, n) else ff_block_size(p, n)
        if size == 0 or size > SIZE_MAX:
            return 0
        # Those of other listeners have other places.
        self.hash = ff_block_hash(p, size, self.seed ^ <uint64_t><void *>self.template) | 1
        one = &self.places[(self.hash >> 32) & (PLACES - 1)]
        if one.hash != self.hash:
            one = &self.places[((self.hash >> 32) & (PLACES - 1)) ^ 1]
        if one.hash != self.hash:
            self.is_seen = False
        elif one.bytes == NULL:
            self.is_seen = True
        elif (one.size == size and one.template == <PyObject *>self.template
                and memcmp(one.bytes, p, size) == 0):
            return self._found(one)
        self.at = p
        self.size = <uint32_t>size
        return 0

    cdef int keep(self, dict environ, int marks, const ff_framing *framing) except -1:
        """This environ has come of the block that was asked for last, and the template.

        Only a number is noted of a block that comes for the first time."""
        cdef block *one
        if self.places == NULL:
            return 0  # a log call gave the interpreter lock away, and a thread has cleared them
        one = &self.places[(self.hash >> 32) & (PLACES - 1)]
        if one.hash != self.hash and one.hash:
            # Two places; the second one changes hands, so that blocks seen early cannot be
            # driven out by a client that sends a new one each time.
            one = &self.places[((self.hash >> 32) & (PLACES - 1)) ^ 1]
        if one.hash != self.hash:
            self._drop(one)
            one.hash = self.hash
            return 0
        if not self.is_seen or self.kept + 2 * self.size + DICT_SIZE > MOST:
            return 0
        one.bytes = <char *>malloc(self.size)
        if one.bytes == NULL:
            raise MemoryError
        memcpy(one.bytes, self.at, self.size)
        one.size = self.size
        one.marks = marks
        one.framing = framing[0]
        Py_INCREF(self.template)
        one.template = <PyObject *>self.template
        Py_INCREF(environ)
        one.environ = <PyObject *>environ
        if not self.kept:
            self.since_ns = now_ns()
        self.kept += 2 * self.size + DICT_SIZE
        return 0
