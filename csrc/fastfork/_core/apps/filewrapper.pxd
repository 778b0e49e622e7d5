cdef class FileWrapper:
    cdef readonly object filelike
    cdef readonly Py_ssize_t blksize
