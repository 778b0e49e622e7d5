"""Which URLs fail: a table on the worker's slot of the scoreboard, a record a URL.

It is looked at when an answer fails, and by nobody else of the worker, so a good request pays
nothing for it.  A URL that is in the table already is counted there; a new one takes the place
of the one whose last failure is the longest ago.  So one URL that fails a thousand times a
second leaves the others where they are.

A record's number is 0 while its URL is exchanged: readers in other processes take no lock.

Runs in: worker, in the thread that is inside (crew.pyx)
"""

from libc.stdint cimport int64_t
from libc.string cimport memcmp, memcpy

from fastfork._core.published cimport ff_publish
from fastfork._core.ticks cimport now_ns

cdef enum:  # fastfork.ipc.failing has the same numbers
    NUMBERS = 135        # word of the slot: how many numbers were given
    TABLE_AT = 8704      # in words
    RECORDS = 32
    RECORD_WORDS = 32
    # ... of one record
    NUMBER = 0
    COUNT = 1
    STATUS = 2           # of the last failure; 0: the answer was cut
    LAST_NS = 3
    LINE_SIZE = 4
    LINE = 8
    LINE_BYTES = 192


cdef void note_failure(int64_t *slot, dict environ, int status) noexcept:
    """An answer has failed.  Nothing is noted of requests that were refused for their form:
    those fail for their sender's sake, whatever the URL."""
    cdef bytes line
    cdef int64_t *record
    if environ is None or "wsgi.input" not in environ:
        return
    line = _method_and_path(environ)
    if line is None:
        return
    record = _record_of(slot, line)
    record[STATUS] = status
    record[LAST_NS] = now_ns()
    record[COUNT] += 1


cdef void note_cut(int64_t *slot, dict environ, int status) noexcept:
    """An answer ends before its end, by a fault of the application's.  Its status, which has been
    sent, may say 200; from 500 on it is noted in any case."""
    if status < 500:
        note_failure(slot, environ, 0)


cdef bytes _method_and_path(dict environ):
    """None when the application has made something else of the environ.  A query may hold a
    secret, so it stays out of memory that others read."""
    method, target = environ.get("REQUEST_METHOD"), environ.get("RAW_URI")
    if type(method) is not str or type(target) is not str:
        return None
    path = (<str>target).partition("?")[0]
    return f"{method} {path}".encode("latin-1", "replace")[:LINE_BYTES]


cdef int64_t *_record_of(int64_t *slot, bytes line) noexcept:
    """The record of this URL, which may be a new one with a count of 0."""
    cdef const char *text = line
    cdef Py_ssize_t size = len(line)
    cdef int64_t *record = slot + TABLE_AT
    cdef int64_t *oldest = record
    cdef int _i
    for _i in range(RECORDS):
        if (record[NUMBER] and record[LINE_SIZE] == size
                and memcmp(&record[LINE], text, size) == 0):
            return record
        if record[LAST_NS] < oldest[LAST_NS]:
            oldest = record
        record += RECORD_WORDS
    ff_publish(&oldest[NUMBER], 0)
    oldest[COUNT] = 0
    oldest[LINE_SIZE] = size
    memcpy(&oldest[LINE], text, size)
    slot[NUMBERS] += 1
    ff_publish(&oldest[NUMBER], slot[NUMBERS])
    return oldest
