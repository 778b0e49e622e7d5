"""Static files: requests that are answered from a directory, and not by the application.

`StaticFiles.ask` is asked before the application.  It answers at once, in the loop, and so waits
for the disk.  What is sent is what an open descriptor says: a file that is replaced meanwhile is
sent whole, in one version or the other.

The setting up (directories, media types, patterns) is fastfork.static's; which file is chosen, and
what is remembered of it, representations.pyx's.

Runs in: worker
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject
from libc.errno cimport (
    EACCES,
    ELOOP,
    EMFILE,
    ENAMETOOLONG,
    ENFILE,
    ENOENT,
    ENOTDIR,
    ENXIO,
    EPERM,
    EXDEV,
    errno,
)
from libc.stdint cimport int64_t
from libc.string cimport memcmp
from posix.unistd cimport close

from fastfork._core.apps.conditions cimport BEYOND, FAILED, NOT_MODIFIED, WHOLE
from fastfork._core.apps.conditions cimport decide, is_same, range_of
from fastfork._core.interrupted cimport ff_interrupted
from fastfork._core.conn.outbox cimport FILE_COPY_MAX, owning
from fastfork._core.apps.representations cimport FF_NAME_NUL, FF_NAME_OK, FF_NAME_TOO_LONG, S_ISDIR
from fastfork._core.apps.representations cimport S_ISREG, ff_name_fault, file_facts
from fastfork._core.text cimport (
    PyBytes_AS_STRING,
    PyBytes_GET_SIZE,
    PyUnicode_1BYTE_KIND,
    PyUnicode_DATA,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
)

import os
import sys

cdef extern from "<unistd.h>" nogil:
    ssize_t pread(int fd, void *p, size_t n, int64_t offset)

cdef enum:
    KNOWN_MAX = 4096        # paths that are remembered
    TOLD_MAX = 100          # lines in the log about files that cannot be read
    ATTEMPTS = 3            # at a file that becomes shorter while it is read

cdef str RAW_URI = sys.intern("RAW_URI")
cdef str PATH_INFO = sys.intern("PATH_INFO")
cdef str SCRIPT_NAME = sys.intern("SCRIPT_NAME")
cdef str REQUEST_METHOD = sys.intern("REQUEST_METHOD")
cdef str RANGE = sys.intern("HTTP_RANGE")
cdef str IF_RANGE = sys.intern("HTTP_IF_RANGE")

cdef tuple HTML = ("Content-Type", "text/html; charset=utf-8")


class Torn(Exception):
    """A file has become shorter while it was read."""


cdef Answer _made(str status, list fields, object body):
    cdef Answer answer = Answer.__new__(Answer)
    answer.status = status
    answer.fields = fields
    answer.body = body
    return answer


cdef bint _escapes_slash(dict environ, str path) except -1:
    """Does the path of the target have an escaped slash?  To others in front of us it is not the
    slash that PATH_INFO shows (RFC 3986 section 2.2)."""
    cdef str target = <str>environ[RAW_URI]
    return (target is not path and "%" in target
            and "%2f" in target.partition("?")[0].lower())


cdef object _part(FileSegment file, int64_t offset, int64_t n):
    """n bytes of a file: the bytes themselves where they are few, else the file for sendfile(2).

    Raises OSError, and Torn when there are not as many."""
    cdef bytes data
    cdef ssize_t got
    cdef int64_t done = 0
    if n > FILE_COPY_MAX:
        file.offset = offset
        file.left = n
        return file
    data = PyBytes_FromStringAndSize(NULL, n)
    while done < n:
        got = pread(file.fd, PyBytes_AS_STRING(data) + done, n - done, offset + done)
        if got == 0:
            raise Torn
        if got > 0:
            done += got
        elif not ff_interrupted(errno):
            raise OSError(errno, os.strerror(errno))
    return data


cdef class StaticFiles(Answerer):
    """mounts: [(prefix, directory), ...]; prefix as in PATH_INFO (bytes as latin-1).
    describe(path: str): see Resource.describe; called once a path.
    pages(status: int) -> (status line, bytes): the error pages.
    script: SCRIPT_NAME of the environ templates, '' for none.  index: name of the file that
    stands for its directory, None for none.  follows: links may lead out of a directory.
    is_logged: answers are in the access log.
    Raises OSError for a directory that cannot be opened."""

    def __cinit__(self, list mounts, *, describe, pages, log, str script="", index=None,
                  bint follows=False, bint is_logged=True):
        self.mounts = [Mount(prefix, directory, follows=follows) for prefix, directory in mounts]
        self.mounts.sort(key=_length_of, reverse=True)
        self.describe = describe
        self.pages = pages
        self.log = log
        self.script = script
        self.index = None if index is None else os.fsencode(index)
        self.is_logged = is_logged
        self.known, self.told = {}, set()

    cdef Answer ask(self, dict environ):
        """The answer to a request, None when the application is to be asked."""
        cdef str path = <str>environ[PATH_INFO]
        cdef Mount mount
        cdef Answer answer
        # A proxy that names SCRIPT_NAME itself has had it taken from PATH_INFO already.
        if self.script and environ[SCRIPT_NAME] is self.script:
            if not path.startswith(self.script):
                return None
            path = path[len(self.script):]
        mount = self._mount_of(path)
        if mount is None:
            return None
        answer = self._answer(environ, mount, path)
        if answer is not None:
            answer.is_logged = self.is_logged
        return answer

    cdef Mount _mount_of(self, str path):
        """The mount with the longest prefix that is the path or ends where a segment of it
        does."""
        cdef const char *text = <const char *>PyUnicode_DATA(path)
        cdef Py_ssize_t n = PyUnicode_GET_LENGTH(path), size
        cdef Mount mount
        if PyUnicode_KIND(path) != PyUnicode_1BYTE_KIND:
            return None  # no server has made it
        for mount in self.mounts:
            size = PyBytes_GET_SIZE(mount.prefix)
            if (n >= size and memcmp(text, PyBytes_AS_STRING(mount.prefix), size) == 0
                    and (n == size or text[size] == b'/')):
                return mount
        return None

    cdef Answer _answer(self, dict environ, Mount mount, str path):
        cdef PyObject *known = PyDict_GetItem(self.known, path)
        cdef Resource resource
        cdef FileSegment file
        cdef file_facts facts
        cdef int fd
        if _escapes_slash(environ, path):
            return self._nothing(mount, 404)
        found = self._resource(mount, path) if known == NULL else <object>known
        if type(found) is not Resource:
            return <Answer>found  # or None
        resource = <Resource>found
        for _ in range(ATTEMPTS):
            fd = mount.open(resource.name, &facts)
            if fd < 0:
                return self._unopened(mount, path, -fd)
            file = owning(fd)
            if not S_ISREG(facts.st_mode):
                return (self._directory(environ, resource) if S_ISDIR(facts.st_mode)
                        else self._nothing(mount, 404))
            if PyBytes_GET_SIZE(mount.prefix) == PyUnicode_GET_LENGTH(path):
                return self._to_slash(environ)
            if known == NULL:
                if len(self.known) >= KNOWN_MAX:
                    self.known.clear()
                resource.describe(self.describe(
                    path + os.fsdecode(self.index) if path.endswith("/") else path))
                self.known[path] = resource
            method = environ[REQUEST_METHOD]
            if method != "GET" and method != "HEAD":
                return self._error(405, [("Allow", "GET, HEAD"), *resource.extras])
            try:
                return self._send(environ, resource, resource.select(environ, file, &facts), file)
            except Torn:
                pass
            except OSError as error:
                return self._unopened(mount, path, error.errno)
        return self._unopened(mount, path, 0)

    cdef object _resource(self, Mount mount, str path):
        """What a path may name; or the answer, None for the application's, when that is no
        file."""
        cdef Resource resource
        cdef bytes name = path.encode("latin-1")[PyBytes_GET_SIZE(mount.prefix) + 1:]
        cdef int fault = ff_name_fault(name, len(name))
        if fault == FF_NAME_NUL:
            return self._error(400, [])
        if fault != FF_NAME_OK:
            return self._nothing(mount, 414 if fault == FF_NAME_TOO_LONG else 404)
        if not name or name.endswith(b"/"):
            if self.index is None:
                return None
            name += self.index
        resource = Resource.__new__(Resource)
        resource.mount = mount
        resource.name = name
        return resource

    cdef Answer _directory(self, dict environ, Resource resource):
        """A path without a slash at its end names a directory."""
        cdef file_facts facts
        cdef int fd
        if self.index is None:
            return None
        fd = resource.mount.open(resource.name + b"/" + self.index, &facts)
        if fd >= 0:
            close(fd)
        return self._to_slash(environ) if fd >= 0 and S_ISREG(facts.st_mode) else None

    def _to_slash(self, dict environ):
        """Send the client to the same URL with a slash.  A relative one: what is in front of us
        may have another path for it."""
        path, question, query = environ[RAW_URI].partition("?")
        last = path.rpartition("/")[2]
        here = "./" if ":" in last else ""  # else it would pass for a scheme
        return _made("301 Moved Permanently", [
            ("Location", f"{here}{last}/{question}{query}"),
            ("Cache-Control", "no-cache"),
        ], b"")

    cdef Answer _send(self, dict environ, Resource resource, Representation chosen,
                      FileSegment file):
        """What the request wants of a file.  Raises OSError and Torn."""
        cdef int64_t first = WHOLE, n = chosen.size
        cdef int verdict = decide(environ, chosen.etag, chosen.seconds, chosen.date)
        cdef list fields = chosen.fields
        cdef bint is_head = environ[REQUEST_METHOD] == "HEAD"
        cdef str status = "200 OK"
        cdef PyObject *asked
        cdef PyObject *condition
        if verdict == NOT_MODIFIED:
            return _made("304 Not Modified", chosen.kept, b"")
        if verdict == FAILED:
            return self._error(412, resource.extras)
        asked = PyDict_GetItem(environ, RANGE)
        if asked != NULL and not is_head:  # RFC 9110 section 14.2: with GET alone
            condition = PyDict_GetItem(environ, IF_RANGE)
            if condition == NULL or is_same(<str>condition, chosen.etag, chosen.date):
                first = range_of(<str>asked, chosen.size, &n)
        if first == BEYOND:
            return self._error(
                416, [("Content-Range", f"bytes */{chosen.size}"), *resource.extras])
        if first >= 0:
            status = "206 Partial Content"
            fields = [*fields, ("Content-Range", f"bytes {first}-{first + n - 1}/{chosen.size}")]
        if is_head or n == 0:
            return _made(status, [*fields, ("Content-Length", str(n))], b"")
        return _made(status, fields, _part(file, max(first, 0), n))

    # What is no file.

    cdef Answer _error(self, int status, list more):
        line, page = self.pages(status)
        return _made(line, [HTML, *more], page)

    cdef Answer _nothing(self, Mount mount, int status):
        """For a name that is not to be served.  Where every path is below the prefix, those of the
        application may look like it."""
        return None if PyBytes_GET_SIZE(mount.prefix) == 0 else self._error(status, [])

    cdef Answer _unopened(self, Mount mount, str path, int error):
        """Opening or reading has failed; error: 0 for a file that becomes shorter all the time."""
        if error == ENOENT or error == ENOTDIR:
            return None
        if error == ELOOP or error == EXDEV or error == ENXIO:
            return self._nothing(mount, 404)
        if error == ENAMETOOLONG:
            return self._nothing(mount, 414)
        if path not in self.told and len(self.told) < TOLD_MAX:
            self.told.add(path)
            self.log.error("the static file %r cannot be read: %s (said once a file)", path,
                           os.strerror(error) if error else "it is being changed")
        if error == EMFILE or error == ENFILE:
            return self._error(503, [("Retry-After", "1")])
        return self._error(403 if error == EACCES or error == EPERM else 500, [])


def _length_of(Mount mount):
    return len(mount.prefix)


# For the tests.

def answer_to(StaticFiles files, dict environ):
    """(status line, fields, body: bytes or (offset, bytes)), None where the application is
    asked."""
    cdef Answer answer = files.ask(environ)
    if answer is None:
        return None
    if type(answer.body) is FileSegment:
        body = ((<FileSegment>answer.body).offset, (<FileSegment>answer.body).left)
    else:
        body = answer.body
    return answer.status, list(answer.fields), body
