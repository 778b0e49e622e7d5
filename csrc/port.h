/* port.h -- what is Linux's alone, behind one name each, and what other systems have instead.
 *
 * Nothing else in csrc/ names such a call or asks which system this is.  With FF_PORTABLE defined
 * (FASTFORK_PORTABLE=1 when it is built) Linux itself gets the other branch, so that the tests
 * run what macOS and the BSDs would.  What has no substitute fails with ENOSYS there, or does
 * nothing; fastfork/port.py says which of it users are told.
 *
 * Include it first: some of the names need _GNU_SOURCE. */
#ifndef FF_PORT_H
#define FF_PORT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__) && !defined(FF_PORTABLE)
#define FF_LINUX 1
#include <semaphore.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#if __has_include(<linux/sock_diag.h>) /* a package of its own beside musl */
#include <linux/sock_diag.h>
#endif
#else
#define FF_LINUX 0
#endif

/* CLOCK_MONOTONIC, in nanoseconds. */
static inline int64_t
ff_monotonic_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* When a file was last changed. */
static inline struct timespec
ff_changed(const struct stat *facts)
{
#ifdef __APPLE__
    return facts->st_mtimespec;
#else
    return facts->st_mtim;
#endif
}

/* Flags.  Without the first, a send() to a client that has gone raises SIGPIPE, which Python
 * ignores; and a socket of macOS's is told not to (ff_accept).  Without the second, a descriptor that is
 * received stays open in programs that are executed until ff_keep_received(). */
#if FF_LINUX
#define FF_MSG_NOSIGNAL MSG_NOSIGNAL
#define FF_MSG_CLOEXEC MSG_CMSG_CLOEXEC
#define FF_O_PATH O_PATH
#else
#define FF_MSG_NOSIGNAL 0
#define FF_MSG_CLOEXEC 0
#define FF_O_PATH O_RDONLY
#endif

/* A descriptor has been received; it may be -1. */
static inline void
ff_keep_received(int fd)
{
    if (FF_MSG_CLOEXEC == 0 && fd >= 0)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* Nothing waits for it, and it is closed in programs that are executed. */
static inline int
ff_make_ready(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
                   fcntl(fd, F_SETFD, FD_CLOEXEC) < 0
               ? -1
               : 0;
}

/* accept4(2): the connection does not block, and is closed in programs that are executed. */
static inline int
ff_accept(int fd, struct sockaddr *address, socklen_t *size)
{
#if FF_LINUX
    return accept4(fd, address, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
    int got = accept(fd, address, size);

    if (got >= 0 && ff_make_ready(got) < 0) {
        int error = errno;

        close(got);
        errno = error;
        return -1;
    }
#ifdef SO_NOSIGPIPE
    if (got >= 0)
        setsockopt(got, SOL_SOCKET, SO_NOSIGPIPE, &(int){1}, sizeof(int));
#endif
    return got;
#endif
}

/* Take away what the kernel has to send still, so that close() is a reset though others have copies
 * (connect(2), AF_UNSPEC).  Elsewhere these have to close theirs. */
static inline void
ff_disconnect(int fd)
{
#if FF_LINUX
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};

    connect(fd, &nobody, sizeof(nobody));
#else
    (void)fd;
#endif
}

/* sendfile(2), which every system has in another form.  Returns the bytes sent, or -1; with
 * ENOSYS whoever calls has to read the file. */
static inline ssize_t
ff_sendfile(int to, int from, off_t offset, size_t n)
{
#if FF_LINUX
    return sendfile(to, from, &offset, n);
#else
    (void)to;
    (void)from;
    (void)offset;
    (void)n;
    errno = ENOSYS;
    return -1;
#endif
}

/* openat2(2): the descriptor, or minus an errno.  Below `root`, and through no link that leads out of it
 * or is one of the kernel's own. */
static inline int
ff_open_beneath(int root, const char *name, int flags)
{
#if FF_LINUX
#ifndef SYS_openat2
#define SYS_openat2 437 /* the same on every architecture */
#endif
    /* Written out, as <linux/openat2.h> is younger than some C libraries. */
    enum { NO_MAGICLINKS = 0x02, BENEATH = 0x08 };
    const struct {
        uint64_t flags, mode, resolve;
    } how = {(uint64_t)flags, 0, BENEATH | NO_MAGICLINKS};
    long fd = syscall(SYS_openat2, root, name, &how, sizeof(how));

    return fd < 0 ? -errno : (int)fd;
#else
    (void)root;
    (void)name;
    (void)flags;
    return -ENOSYS;
#endif
}

/* What TCP knows of a connection: microseconds of the way to the client and back, and packets that
 * the client has not confirmed.  0, or -1 with errno: ENOPROTOOPT of what is no TCP connection, and
 * where the system does not tell. */
static inline int
ff_tcp_facts(int fd, unsigned int *round_trip, unsigned int *unconfirmed)
{
#if FF_LINUX
    struct tcp_info info;
    socklen_t size = sizeof(info);

    memset(&info, 0, sizeof(info));
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
        if (errno == EOPNOTSUPP)
            errno = ENOPROTOOPT;
        return -1;
    }
    *round_trip = info.tcpi_rtt;
    *unconfirmed = info.tcpi_unacked;
    return 0;
#else
    (void)fd;
    (void)round_trip;
    (void)unconfirmed;
    errno = ENOPROTOOPT;
    return -1;
#endif
}

/* Bytes that a socket has room for, 0 where the system does not tell (socket(7), SO_MEMINFO). */
static inline long
ff_room_of(int fd)
{
#if FF_LINUX && defined(SO_MEMINFO) && __has_include(<linux/sock_diag.h>)
    uint32_t of[SK_MEMINFO_VARS];
    socklen_t size = sizeof(of);

    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, of, &size) == 0 &&
        size > SK_MEMINFO_WMEM_QUEUED * sizeof(of[0]))
        return (long)of[SK_MEMINFO_SNDBUF] - (long)of[SK_MEMINFO_WMEM_QUEUED];
#else
    (void)fd;
#endif
    return 0;
}

/* n bytes of another process's memory, from the same address there as here (process_vm_readv(2)).
 * Whether it has given them. */
static inline int
ff_look_into(pid_t pid, void *address, void *into, size_t n)
{
#if FF_LINUX
    struct iovec here = {into, n}, there = {address, n};

    return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)n;
#else
    (void)pid;
    (void)address;
    (void)into;
    (void)n;
    return 0;
#endif
}

/* prctl(2) of this process with one number.  0, or an errno. */
static inline int
ff_process_option(int option, unsigned long value)
{
#if FF_LINUX
    return prctl(option, value, 0UL, 0UL, 0UL) == 0 ? 0 : errno;
#else
    (void)option;
    (void)value;
    return ENOSYS;
#endif
}

/* The name that tools show for the thread that calls. */
static inline void
ff_name_thread(const char *name)
{
#if FF_LINUX
    pthread_setname_np(pthread_self(), name);
#else
    (void)name;
#endif
}

/* pipe(2), whose ends are closed in programs that are executed. */
static inline int
ff_pipe(int *ends)
{
#if FF_LINUX
    return pipe2(ends, O_CLOEXEC);
#else
    if (pipe(ends) != 0)
        return -1;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return 0;
#endif
}

/* The reading and the writing end of one that nobody waits for.  0, or an errno. */
static inline int
ff_open_pair(int *reading, int *writing)
{
    int ends[2];

    if (ff_pipe(ends) != 0)
        return errno;
    *reading = ends[0];
    *writing = ends[1];
    return ff_make_ready(ends[0]) == 0 && ff_make_ready(ends[1]) == 0 ? 0 : errno;
}

/* What one thread waits for, in poll(2), and another one writes to (eventfd(2)).  Both ends may be
 * the same descriptor.  0, or an errno. */
static inline int
ff_open_wakeup(int *reading, int *writing)
{
#if FF_LINUX
    *reading = *writing = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return *reading < 0 ? errno : 0;
#else
    return ff_open_pair(reading, writing);
#endif
}

static inline void
ff_close_both(int reading, int writing)
{
    if (writing >= 0 && writing != reading)
        close(writing);
    if (reading >= 0)
        close(reading);
}

#include "port_waits.h"

#endif
