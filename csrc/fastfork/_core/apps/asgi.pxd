from libc.stdint cimport int64_t

from fastfork._core.http.answering cimport Answering
from fastfork._core.apps.asgicall cimport AsgiCall
from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.connections cimport Connections
from fastfork._core.loop.crew cimport Crew
from fastfork._core.apps.gateway cimport Gateway
from fastfork._core.loop.inflight cimport InFlight
from fastfork._core.http.site cimport Site
from fastfork._core.apps.taskboard cimport TaskBoard


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
