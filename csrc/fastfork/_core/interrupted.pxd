# Did a signal end a system call?  The errno that a debugger leaves counts too.
cdef extern from "interrupted.h" nogil:
    bint ff_interrupted(int error)
