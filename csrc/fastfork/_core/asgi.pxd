from libc.stdint cimport int64_t

from fastfork._core.answering cimport Answering
from fastfork._core.asgicall cimport AsgiCall
from fastfork._core.connection cimport Connection
from fastfork._core.connections cimport Connections
from fastfork._core.crew cimport Crew
from fastfork._core.gateway cimport Gateway
from fastfork._core.inflight cimport InFlight
from fastfork._core.site cimport Site
from fastfork._core.taskboard cimport TaskBoard


cdef class AsgiGateway(Gateway):
    cdef object app
    cdef Site site
    cdef Crew crew
    cdef Answering answering
    cdef Connections connections
    cdef InFlight lines
    cdef readonly TaskBoard board
    cdef object make_task
    cdef object callbacks      # the deque of those that the event loop calls next, or None
    cdef object tls_of
    cdef dict state            # what the lifespan has left, or None
    cdef str root_path
    cdef list servers          # scope["server"] of each listener
    cdef AsgiCall spare        # the first of those that wait for work
    cdef int spare_count
    cdef dict _extensions(self, dict environ, int minor)
    cdef object _client(self, dict environ, Connection connection)
    cdef dict _scope(self, AsgiCall call, Connection connection)
    cdef int _goes_away(self, AsgiCall call) except -1
    cdef int _take_back(self) except -1
    cdef int _recycle(self, AsgiCall call) except -1
