from fastfork._core.loop.looplag cimport LoopLag


cdef class LoopTick:
    cdef object poll
    cdef dict keys
    cdef object to_ready
    cdef object turn   # or None
    cdef object asked
    cdef LoopLag lag
    cdef double wait   # seconds, as the last turn has said
