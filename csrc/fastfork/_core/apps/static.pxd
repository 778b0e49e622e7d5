from fastfork._core.http.answer cimport Answer, Answerer
from fastfork._core.conn.outbox cimport FileSegment
from fastfork._core.apps.representations cimport Mount, Representation, Resource


cdef class StaticFiles(Answerer):
    cdef list mounts         # the longest prefix first
    cdef object describe
    cdef object pages
    cdef object log
    cdef bytes index
    cdef str script
    cdef bint is_logged
    cdef dict known          # path -> Resource
    cdef set told            # paths of files that cannot be read
    cdef Mount _mount_of(self, str path)
    cdef Answer _answer(self, dict environ, Mount mount, str path)
    cdef object _resource(self, Mount mount, str path)
    cdef Answer _directory(self, dict environ, Resource resource)
    cdef Answer _send(self, dict environ, Resource resource, Representation chosen,
                      FileSegment file)
    cdef Answer _error(self, int status, list more)
    cdef Answer _nothing(self, Mount mount, int status)
    cdef Answer _unopened(self, Mount mount, str path, int error)
