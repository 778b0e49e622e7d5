/* shim.c -- a kernel that is in a bad mood: LD_PRELOADed into a server under test.
 *
 * System calls that our extension modules make now and then fail, or do less than they were
 * asked, in ways that their manual pages allow.  So does malloc, for our own calls only:
 * CPython ends the process in places where it gets no memory, which is not ours to test.
 *
 * FASTFORK_FAULTS="seed=1 soft=4 fatal=0 memory=0": one call in `soft` is disturbed in a way
 * that must lose nothing (EINTR, EAGAIN, a part, fewer events), one in `fatal` so that a
 * connection may end (ECONNRESET, ENOBUFS), one in `memory` gets no memory; 0 = never.
 * FASTFORK_FAULTS_COUNTS=FILE: counters, a line of the enum below each, 8 bytes in host order.
 *
 * A process is disturbed from the first connection that it accepts: not while it starts. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OURS "/fastfork/_core/"
#define SPANS_MAX 64
#define VECTORS_MAX 64
#define EXPORT __attribute__((visibility("default")))
#define CALLER ((uintptr_t)__builtin_return_address(0))

enum { RECV, SEND, SENDMSG, ACCEPT, EPOLL, SENDFILE, MEMORY, CALLS };

extern void *__libc_malloc(size_t n);
extern void *__libc_realloc(void *old, size_t n);
extern void *__libc_calloc(size_t count, size_t n);

static struct {
    uintptr_t start, end;
} spans[SPANS_MAX];
static int nspans;
static atomic_int armed;
static unsigned soft, fatal, memory;
static uint64_t seed;
static atomic_ullong turns;
static atomic_ullong own_counts[CALLS];
static atomic_ullong *counts = own_counts;

__attribute__((constructor)) static void
begin(void)
{
    const char *text = getenv("FASTFORK_FAULTS");
    const char *path = getenv("FASTFORK_FAULTS_COUNTS");
    unsigned long long number = 0;

    if (text && sscanf(text, "seed=%llu soft=%u fatal=%u memory=%u", &number, &soft, &fatal,
                       &memory) != 4) {
        fprintf(stderr, "shim.c: FASTFORK_FAULTS=%s is not seed=N soft=N fatal=N memory=N\n", text);
        _exit(2);
    }
    seed = number;
    if (path) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        void *shared = mmap(NULL, sizeof own_counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (fd >= 0)
            close(fd);
        if (shared != MAP_FAILED)
            counts = shared;
    }
}

static int
note_span(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    if (strstr(info->dlpi_name, OURS) == NULL)
        return 0;
    for (int i = 0; i < info->dlpi_phnum && nspans < SPANS_MAX; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];

        if (header->p_type == PT_LOAD && header->p_flags & PF_X) {
            spans[nspans].start = info->dlpi_addr + header->p_vaddr;
            spans[nspans].end = spans[nspans].start + header->p_memsz;
            nspans++;
        }
    }
    return 0;
}

static void
arm(void)
{
    if (atomic_load(&armed))
        return;
    dl_iterate_phdr(note_span, NULL);
    atomic_store(&armed, 1);
}

static int
is_ours(uintptr_t caller)
{
    for (int i = 0; i < nspans; i++)
        if (caller >= spans[i].start && caller < spans[i].end)
            return 1;
    return 0;
}

/* splitmix64 of the seed and the number of the call: the same on every machine. */
static uint64_t
draw(void)
{
    uint64_t z = seed + (atomic_fetch_add(&turns, 1) + 1) * 0x9E3779B97F4A7C15u;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* An errno to fail with, -1 = do only a part, 0 = do as asked. */
static int
mood(int call, uintptr_t caller, int hard)
{
    uint64_t luck;
    int what = 0;

    if (!atomic_load(&armed) || (caller && !is_ours(caller)))
        return 0;
    luck = draw();
    if (fatal && luck % fatal == 0) {
        what = (luck >> 32) % 2 ? hard : ECONNRESET;
    } else if (soft && (luck >> 8) % soft == 0) {
        switch ((luck >> 40) % 3) {
        case 0:
            what = EINTR;
            break;
        case 1:
            what = EAGAIN;
            break;
        default:
            what = -1;
        }
    }
    if (what)
        atomic_fetch_add(&counts[call], 1);
    return what;
}

/* How much of n bytes is done in this mood: one byte as often as any other part. */
static size_t
part(int what, size_t n)
{
    if (!what || n == 0)
        return n;
    return draw() % 2 ? 1 : 1 + draw() % n;
}

static int
fails(int what)
{
    if (what > 0)
        errno = what;
    return what > 0;
}

EXPORT ssize_t
recv(int fd, void *into, size_t n, int flags)
{
    /* A look before a connection is closed has no second try: not disturbed. */
    int what = flags & MSG_PEEK ? 0 : mood(RECV, CALLER, ENOMEM);

    if (fails(what))
        return -1;
    return syscall(SYS_recvfrom, fd, into, part(what, n), flags, NULL, NULL);
}

EXPORT ssize_t
send(int fd, const void *data, size_t n, int flags)
{
    int what = mood(SEND, CALLER, ENOBUFS);

    if (fails(what))
        return -1;
    return syscall(SYS_sendto, fd, data, part(what, n), flags, NULL, 0);
}

EXPORT ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
    int what = mood(SENDMSG, CALLER, ENOBUFS);
    struct iovec pieces[VECTORS_MAX];
    struct msghdr cut = *message;
    size_t total = 0, left;

    if (fails(what))
        return -1;
    if (!what || message->msg_iovlen > VECTORS_MAX)
        return syscall(SYS_sendmsg, fd, message, flags);
    for (size_t i = 0; i < message->msg_iovlen; i++)
        total += message->msg_iov[i].iov_len;
    left = part(what, total);
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        pieces[i] = message->msg_iov[i];
        if (pieces[i].iov_len > left)
            pieces[i].iov_len = left;
        left -= pieces[i].iov_len;
    }
    cut.msg_iov = pieces;
    return syscall(SYS_sendmsg, fd, &cut, flags);
}

/* sendfile() as it is called with 64-bit offsets, which Python's headers ask for. */
EXPORT ssize_t
sendfile64(int out, int in, off64_t *offset, size_t n)
{
    /* Not every file system has it, nor every sandbox: then the file can still be read. */
    static const int reasons[] = {EINTR, EINVAL, ENOSYS, EOPNOTSUPP, EPERM};
    int what = mood(SENDFILE, CALLER, EIO);

    if (what == EINTR)
        what = reasons[draw() % 5];
    if (fails(what))
        return -1;
    return syscall(SYS_sendfile, out, in, offset, part(what, n));
}

EXPORT int
accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    static const int reasons[] = {EMFILE, ENFILE, ENOMEM, ENOBUFS, EPROTO, EINTR};
    int what = mood(ACCEPT, CALLER, ECONNABORTED);
    int got;

    if (what == EAGAIN || what == EINTR)
        what = EINTR;
    else if (what)
        what = reasons[draw() % 6];
    if (fails(what))
        return -1;
    got = (int)syscall(SYS_accept4, fd, address, size, flags);
    if (got >= 0)
        arm();
    return got;
}

EXPORT int
epoll_wait(int fd, struct epoll_event *events, int most, int timeout)
{
    /* The interpreter calls this one. */
    int what = mood(EPOLL, 0, EINTR);

    if (what > 0) {
        errno = EINTR;
        return -1;
    }
    return (int)syscall(SYS_epoll_pwait, fd, events, what ? 1 : most, timeout, NULL, 8);
}

static int
is_short_of_memory(uintptr_t caller)
{
    if (!memory || !atomic_load(&armed) || !is_ours(caller) || draw() % memory)
        return 0;
    atomic_fetch_add(&counts[MEMORY], 1);
    errno = ENOMEM;
    return 1;
}

EXPORT void *
malloc(size_t n)
{
    return is_short_of_memory(CALLER) ? NULL : __libc_malloc(n);
}

EXPORT void *
realloc(void *old, size_t n)
{
    return is_short_of_memory(CALLER) ? NULL : __libc_realloc(old, n);
}

EXPORT void *
calloc(size_t count, size_t n)
{
    return is_short_of_memory(CALLER) ? NULL : __libc_calloc(count, n);
}
