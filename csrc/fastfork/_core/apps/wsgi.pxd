from fastfork._core.loop.crew cimport Crew
from fastfork._core.apps.gateway cimport Gateway
from fastfork._core.apps.response cimport Responder
from fastfork._core.http.site cimport Site


cdef class WsgiGateway(Gateway):
    cdef object app
    cdef Site site
    cdef Crew crew
    cdef Responder spare       # the first of those that wait for work
    cdef int spare_count
    cdef int recycle(self, Responder responder) except -1
