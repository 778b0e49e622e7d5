"""`wsgi.file_wrapper`, and which files can be sent by their descriptor.

Runs in: worker
"""

import io


cdef class FileWrapper:
    """`wsgi.file_wrapper`: a file to be sent, by sendfile(2) where it has a descriptor."""

    def __cinit__(self, filelike, Py_ssize_t blksize=8192):
        self.filelike = filelike
        self.blksize = blksize

    def __iter__(self):
        return self

    def __next__(self):
        data = self.filelike.read(self.blksize)
        if not data:
            raise StopIteration
        return data

    def close(self):
        close = getattr(self.filelike, "close", None)
        if close is not None:
            close()


def is_plain_file(filelike):
    """Does read() give the bytes of the descriptor?

    A file that decompresses or decrypts has a descriptor too, of other bytes.  So what counts
    is whose read() it is: a file's own, perhaps handed on by a proxy (tempfile's, Django's).
    """
    read = getattr(filelike, "read", None)
    file = getattr(getattr(read, "__wrapped__", read), "__self__", None)
    if type(file) is io.BufferedReader or type(file) is io.BufferedRandom:
        file = file.raw
    return type(file) is io.FileIO
