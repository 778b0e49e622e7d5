"""What a request for a file asks besides the file: conditions, a range, codings (RFC 9110).

Everything here is computed from text: no file is opened and nothing is remembered.  The usual
request repeats the validators that it was given, so they are compared as text before they are
parsed.

Runs in: worker
"""

from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject

from fastfork._core.text cimport (
    PyUnicode_1BYTE_KIND,
    PyUnicode_DATA,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
)

import re
import sys
import time

cdef str IF_MATCH = sys.intern("HTTP_IF_MATCH")
cdef str IF_NONE_MATCH = sys.intern("HTTP_IF_NONE_MATCH")
cdef str IF_MODIFIED_SINCE = sys.intern("HTTP_IF_MODIFIED_SINCE")
cdef str IF_UNMODIFIED_SINCE = sys.intern("HTTP_IF_UNMODIFIED_SINCE")

cdef tuple DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
cdef tuple MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
                     "Dec")

# RFC 9110 section 5.6.7: the form that is sent, and two that are only read.
FORMS = tuple(
    re.compile(form + r"\Z", re.ASCII)
    for form in (
        r"[A-Z][a-z]{2}, (?P<d>\d\d) (?P<m>[A-Z][a-z]{2}) (?P<y>\d{4}) "
        r"(?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d) GMT",
        r"[A-Z][a-z]{5,8}, (?P<d>\d\d)-(?P<m>[A-Z][a-z]{2})-(?P<y>\d\d) "
        r"(?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d) GMT",
        r"[A-Z][a-z]{2} (?P<m>[A-Z][a-z]{2}) (?P<d>[ \d]\d) "
        r"(?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d) (?P<y>\d{4})",
    )
)
WEIGHT = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\Z", re.ASCII)

cdef enum:
    DIGITS_MAX = 18  # of a number that fits an int64_t


def http_date(int64_t seconds):
    """Seconds since 1970 as an HTTP date, in English whatever the locale is."""
    t = time.gmtime(seconds)
    return "%s, %02d %s %04d %02d:%02d:%02d GMT" % (
        DAYS[t.tm_wday], t.tm_mday, MONTHS[t.tm_mon - 1], t.tm_year, t.tm_hour, t.tm_min, t.tm_sec)


def seconds_of(str date):
    """An HTTP date in seconds since 1970, -1 for what is none."""
    cdef int64_t year, month, day, hour, minute, second, era
    for form in FORMS:
        found = form.match(date)
        if found is not None:
            break
    else:
        return -1
    if found["m"] not in MONTHS:
        return -1
    year, month, day = int(found["y"]), MONTHS.index(found["m"]) + 1, int(found["d"])
    hour, minute, second = int(found["H"]), int(found["M"]), int(found["S"])
    if len(found["y"]) == 2:
        # A year that seems to be more than 50 years ahead is in the past.
        now = time.gmtime().tm_year
        year += now - now % 100
        if year > now + 50:
            year -= 100
    if not 1 <= day <= 31 or hour > 23 or minute > 59 or second > 60 or year < 1970:
        return -1
    # Days since 1970 of the proleptic Gregorian calendar, in years that begin in March.
    year -= month <= 2
    era = year // 400
    day += (153 * (month + (9 if month <= 2 else -3)) + 2) // 5 - 1
    day += (year - era * 400) * 365 + (year - era * 400) // 4 - (year - era * 400) // 100
    return ((era * 146097 + day - 719468) * 24 + hour) * 3600 + minute * 60 + second


cdef inline str _field(dict environ, str key):
    cdef PyObject *value = PyDict_GetItem(environ, key)
    return None if value == NULL else <str>value


cdef bint has_tag(str value, str etag, bint weakly) except -1:
    """Does a list of entity tags (RFC 9110 section 13.1.1) have this one?

    `*` has every file.  weakly: two that differ by W/ alone are the same.  Behind the first
    thing that is no entity tag, nothing counts.
    """
    cdef str opaque
    cdef Py_ssize_t at = 0, end, size = len(value)
    cdef bint is_weak
    if value == etag:
        return weakly or not value.startswith("W/")
    if value.strip(" \t") == "*":
        return True
    if etag is None:
        return False
    opaque = etag[2:] if etag.startswith("W/") else etag
    if not weakly and opaque is not etag:
        return False
    while at < size:
        if value[at] in " \t,":
            at += 1
            continue
        is_weak = value.startswith("W/", at)
        if is_weak:
            at += 2
        end = value.find('"', at + 1)
        if at >= size or value[at] != '"' or end < 0:
            return False
        if value[at:end + 1] == opaque and (weakly or not is_weak):
            return True
        at = end + 1
    return False


cdef int decide(dict environ, str etag, int64_t modified, str date) except -1:
    """What the conditions of a GET or HEAD say, in the order of RFC 9110 section 13.2.2.

    etag: of what would be sent, None for none.  modified: seconds since 1970; date: the same as
    text, None where the file has no date that means something.
    """
    cdef str value = _field(environ, IF_MATCH)
    cdef int64_t since
    if value is not None:
        if not has_tag(value, etag, False):
            return FAILED
    elif date is not None:
        value = _field(environ, IF_UNMODIFIED_SINCE)
        if value is not None and value != date:
            since = seconds_of(value)
            if since >= 0 and modified > since:
                return FAILED
    value = _field(environ, IF_NONE_MATCH)
    if value is not None:
        return NOT_MODIFIED if has_tag(value, etag, True) else SEND
    if date is not None:
        value = _field(environ, IF_MODIFIED_SINCE)
        if value is not None:
            since = modified if value == date else seconds_of(value)
            if since >= 0 and modified <= since:
                return NOT_MODIFIED
    return SEND


cdef bint is_same(str validator, str etag, str date):
    """Does If-Range name what would be sent?  A strong comparison (RFC 9110 section 13.1.5):
    an entity tag must be equal and not weak, a date equal."""
    if etag is None or etag.startswith("W/"):
        return False  # the file may yet change within the second of its date
    return validator == etag or (date is not None and validator == date)


cdef int64_t _number(const unsigned char *p, Py_ssize_t n) noexcept:
    """Digits as a number; more than 18 of them are all the same.  -1 for anything else."""
    cdef int64_t value = 0
    cdef Py_ssize_t i
    if n == 0:
        return -1
    for i in range(n):
        if not b'0' <= p[i] <= b'9':
            return -1
    while n > 1 and p[0] == b'0':
        p += 1
        n -= 1
    if n > DIGITS_MAX:
        return 999999999999999999
    for i in range(n):
        value = value * 10 + (p[i] - 48)
    return value


cdef int64_t range_of(str value, int64_t size, int64_t *length) except -3:
    """The offset of the one range that a Range field asks of `size` bytes; *length: its bytes.

    WHOLE for several ranges, another unit than bytes, and what is malformed: the field is then
    ignored (RFC 9110 section 14.2).  BEYOND for a range that begins behind the end.
    """
    cdef const unsigned char *p
    cdef Py_ssize_t n = PyUnicode_GET_LENGTH(value), dash
    cdef int64_t first, last
    if PyUnicode_KIND(value) != PyUnicode_1BYTE_KIND or n < 7 or value[:6].lower() != "bytes=":
        return WHOLE
    value = value[6:].strip(" \t")
    p = <const unsigned char *>PyUnicode_DATA(value)
    n = PyUnicode_GET_LENGTH(value)
    dash = value.find("-")
    if dash < 0:
        return WHOLE
    last = _number(p + dash + 1, n - dash - 1)
    if dash == 0:
        if last < 0 or (size == 0 and last > 0):
            return WHOLE  # of nothing, the last bytes are all of it
        if last == 0:
            return BEYOND
        length[0] = min(last, size)
        return size - length[0]
    first = _number(p, dash)
    if first < 0 or (last < 0 and dash != n - 1) or 0 <= last < first:
        return WHOLE
    if first >= size:
        return BEYOND
    length[0] = (size if last < 0 or last >= size else last + 1) - first
    return first


def accepted(str value, tuple codings):
    """Weights of codings by an Accept-Encoding field, 0 to 1000, and last that of `identity`.

    0: not acceptable.  identity: -1 where the field says nothing of it (RFC 9110 section 12.5.3).
    A member that is malformed does not count.
    """
    weights = {}
    for member in value.lower().split(","):
        name, _, parameter = member.partition(";")
        name = name.strip(" \t")
        key, equals, text = parameter.partition("=")
        weight = 1000
        if parameter.strip(" \t"):
            text = text.strip(" \t")
            if not equals or key.strip(" \t") != "q" or not WEIGHT.match(text):
                continue
            weight = round(float(text) * 1000)
        if name:
            weights.setdefault("gzip" if name == "x-gzip" else name, weight)
    others = weights.get("*", 0)
    identity = weights.get("identity", 0 if weights.get("*") == 0 else -1)
    return (*(weights.get(coding, others) for coding in codings), identity)


# For the tests.

def decision(dict environ, etag, int64_t modified, date):
    """`decide` as 200, 304 or 412."""
    return {SEND: 200, NOT_MODIFIED: 304, FAILED: 412}[decide(environ, etag, modified, date)]


def part(str value, int64_t size):
    """`range_of` as (offset, bytes), None for the whole, 416 for what is beyond the end."""
    cdef int64_t length = 0
    cdef int64_t first = range_of(value, size, &length)
    if first < 0:
        return None if first == WHOLE else 416
    return first, length


def may_go_on(str validator, etag, date):
    """`is_same`."""
    return is_same(validator, etag, date)
