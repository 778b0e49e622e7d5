# What is Linux's alone, behind one name each: see csrc/port.h.
from libc.stdint cimport int64_t
from posix.time cimport timespec
from posix.types cimport off_t

cdef extern from "port.h" nogil:
    enum:
        FF_LINUX
    int FF_MSG_NOSIGNAL

    ctypedef unsigned int socklen_t
    struct sockaddr:
        unsigned short sa_family
    ctypedef struct file_facts "struct stat":
        unsigned long long st_ino
        unsigned int st_mode
        long long st_size
    ctypedef struct ff_semaphore:
        pass

    int ff_accept(int fd, sockaddr *address, socklen_t *size)
    timespec ff_changed(const file_facts *facts)
    ssize_t ff_sendfile(int to, int source, off_t offset, size_t n)
    int ff_tcp_facts(int fd, unsigned int *round_trip, unsigned int *unconfirmed)
    long ff_room_of(int fd)
    int ff_look_into(int pid, void *address, void *into, size_t n)
    int ff_process_option(int option, unsigned long value)
    int ff_pipe(int *ends)
    int ff_open_wakeup(int *reading, int *writing)
    void ff_close_both(int reading, int writing)
    int ff_semaphore_open(ff_semaphore *semaphore)
    void ff_semaphore_close(ff_semaphore *semaphore)
    void ff_semaphore_post(ff_semaphore *semaphore)
    void ff_semaphore_wait(ff_semaphore *semaphore)
