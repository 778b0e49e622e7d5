"""Whether this process has forked, and whether it is the child: what the hot path looks at.

Python's hooks (fastfork/forks.py) are not run by fork(2) of a C library; those of pthread_atfork(3)
are, in the middle of fork(2), so that no other thread of Python comes between.

Runs in: both
"""

from libc.errno cimport EINTR, EIO, errno

from fastfork._core.port cimport ff_pipe
from fastfork._core.words cimport words_of

import os

from fastfork import forks

cdef extern from "Python.h":
    void PyOS_BeforeFork()
    void PyOS_AfterFork_Parent()
    void PyOS_AfterFork_Child()
    int PySys_Audit(const char *event, const char *format, ...) except -1

cdef extern from "<sys/wait.h>" nogil:
    int waitpid(int pid, int *status, int options)

cdef extern from "<unistd.h>" nogil:
    int fork()
    ssize_t read(int fd, void *into, size_t n)
    ssize_t write(int fd, const void *given, size_t n)
    int close(int fd)
    void _exit(int code)

cdef extern from "<pthread.h>" nogil:
    int pthread_atfork(void (*prepare)() noexcept nogil, void (*parent)() noexcept nogil,
                       void (*child)() noexcept nogil)

cdef extern from "<sys/mman.h>" nogil:
    int PROT_READ
    int PROT_WRITE
    int MAP_PRIVATE
    int MAP_ANONYMOUS
    int MAP_FIXED
    void *MAP_FAILED
    void *mmap(void *at, size_t n, int protection, int flags, int fd, long offset)

cdef extern from "<signal.h>" nogil:
    int SIG_BLOCK
    int SIG_SETMASK
    ctypedef struct sigset_t:
        pass
    void (*SIG_DFL)(int)
    int sigemptyset(sigset_t *set)
    int sigaddset(sigset_t *set, int number)
    int sigismember(const sigset_t *set, int number)
    void (*signal(int number, void (*handler)(int)))(int)

cdef extern from *:
    """
    #include <pthread.h>
    #include <signal.h>
    static _Thread_local sigset_t ff_mask_before;
    """
    sigset_t ff_mask_before
    int pthread_sigmask(int how, const sigset_t *set, sigset_t *before) nogil

cdef enum:
    SIGNALS = 65               # one more than the highest number

cdef ForkState state
cdef sigset_t taken            # signals whose handlers are for this process alone
sigemptyset(&taken)


cdef const ForkState *fork_state() noexcept:
    """Stays where it is as long as the process lives."""
    return &state


cdef void _prepare() noexcept nogil:
    state.happened = 1
    pthread_sigmask(SIG_BLOCK, &taken, &ff_mask_before)


cdef void _in_parent() noexcept nogil:
    pthread_sigmask(SIG_SETMASK, &ff_mask_before, NULL)


cdef void _in_child() noexcept nogil:
    """A signal that is sent to the child from now on must not be lost: Python forgets in a child
    what its handlers have noted, which may be the SIGTERM that was to end it."""
    cdef int number
    state.foreign = 1  # until fastfork/forks.py says that it is one of ours
    for number in range(1, SIGNALS):
        if sigismember(&taken, number) == 1:
            signal(number, SIG_DFL)
    pthread_sigmask(SIG_SETMASK, &ff_mask_before, NULL)


def _take_signals(numbers):
    sigemptyset(&taken)
    for number in numbers:
        sigaddset(&taken, number)


def _is_foreign():
    return state.foreign != 0


def _begin_anew():
    state.happened = state.foreign = 0


def _make_private(memory):
    """Put zeros of this process alone in the place of shared memory.  Raises OSError."""
    view = memoryview(memory)
    if mmap(words_of(view, 0), <size_t>view.nbytes, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED:
        raise OSError(errno, "the scoreboard cannot be replaced")


def _fork_orphan():
    """Fork twice, and end the process in the middle before it runs a line of Python, which would
    write to a hundred pages that the last one then has for itself alone."""
    cdef int ends[2]
    cdef int middle
    cdef int said = 0
    PySys_Audit("os.fork", NULL)
    if ff_pipe(ends) != 0:
        raise OSError(errno, os.strerror(errno))
    PyOS_BeforeFork()
    middle = fork()
    if middle == 0:
        said = fork()
        if said == 0:
            close(ends[0])
            close(ends[1])
            PyOS_AfterFork_Child()
            return 0
        if said < 0:
            said = -errno
        write(ends[1], &said, sizeof(said))
        _exit(0)
    if middle < 0:
        said = -errno
    PyOS_AfterFork_Parent()
    close(ends[1])
    if middle > 0:
        with nogil:
            while read(ends[0], &said, sizeof(said)) < 0 and errno == EINTR:
                pass
            # Not there any more, where a thread of the application's has waited for it.
            while waitpid(middle, NULL, 0) < 0 and errno == EINTR:
                pass
    close(ends[0])
    if said <= 0:
        said = -said if said else EIO
        raise OSError(said, os.strerror(said))
    return said


if pthread_atfork(_prepare, _in_parent, _in_child) != 0:
    raise MemoryError
forks.attach(
    is_foreign=_is_foreign,
    begin_anew=_begin_anew,
    make_private=_make_private,
    take_signals=_take_signals,
    fork_orphan=_fork_orphan,
)
