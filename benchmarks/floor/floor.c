/* floor.c -- the least that a server on epoll can cost: the unit every figure is divided by.
 *
 *     floor PORT [ANSWER_BYTES [BODY_BYTES]]
 *
 * One process, level-triggered epoll, one recv and one send for each readable event.  It
 * answers a constant to whatever ends with an empty line, so it parses nothing; what
 * is left is the kernel's work for a request, which no server can avoid.
 *
 *   ANSWER_BYTES  body of every answer in bytes; 13 (the default) is "Hello, World!"
 *   BODY_BYTES    bytes that follow every request head; 0 by default
 *
 * A request with Sec-WebSocket-Key makes its connection a WebSocket, whose messages are unmasked
 * and sent back.  It takes one frame a message, of 64 KiB at the most, and the key of the example in
 * RFC 6455 section 1.3, as ws_load.c sends them.
 *
 * The answer has the fields that fastfork sends, so both move as many bytes.  The first line
 * of a connection tells HTTP/1.0 (ab) from 1.1; a 1.0 connection is closed after its answer.
 * Ends on SIGTERM by the default action.  Not a server for anything else. */

#define _GNU_SOURCE

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo.h"

enum {
    MAX_EVENTS = 256,
    READ_SIZE = 1 << 16,
    CARRY = 3,        /* an empty line is 4 bytes: at most 3 of them come in one read less */
    BACKLOG = 4096,
    SEND_AT_ONCE = 64 /* copies of a small answer kept in a row, for pipelined requests */
};

struct conn {
    size_t owed;      /* bytes of answers that the socket has not taken */
    size_t body_left; /* bytes of the running request's body still to come */
    char carry[CARRY];
    uint8_t carried;
    bool open, fresh, http10;
    struct websocket *ws; /* what it has become, or NULL */
};

static int epfd, listener;
static struct conn *conns; /* by descriptor */
static size_t max_conns;

static char *answers;        /* `copies` answers in a row */
static size_t answer_size, copies;
static char *closing_answer; /* for HTTP/1.0 */
static size_t closing_size;
static size_t body_bytes;

static char buf[CARRY + READ_SIZE];

static void
die(const char *what)
{
    perror(what);
    exit(1);
}

static char *
make_answer(const char *extra_field, size_t body, size_t count, size_t *size)
{
    char head[256];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                     "Server: fastfork\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n%s\r\n",
                     body, extra_field);
    char *all, *at;

    *size = (size_t)n + body;
    all = at = malloc(*size * count);
    if (all == NULL)
        die("malloc");
    for (size_t i = 0; i < count; i++, at += *size) {
        memcpy(at, head, (size_t)n);
        memset(at + n, 'x', body);
        if (body == 13)
            memcpy(at + n, "Hello, World!", 13);
    }
    return all;
}

/* Index just past the next empty line in [p, end), or 0.  Boyer-Moore on "\r\n\r\n": most
 * bytes are neither CR nor LF, so it looks at every fourth. */
static size_t
head_end(const char *p, const char *end)
{
    const char *at = p + 3;

    while (at < end) {
        if (*at == '\n') {
            if (at[-1] == '\r' && at[-2] == '\n' && at[-3] == '\r')
                return (size_t)(at - p) + 1;
            at += 2;
        } else {
            at += *at == '\r' ? 1 : 4;
        }
    }
    return 0;
}

/* How many requests end in the bytes [p, end); the rest is remembered in `c`. */
static size_t
count_requests(struct conn *c, const char *p, const char *end)
{
    size_t done = 0, n;

    c->carried = 0; /* those bytes lead this read: the caller put them before it */
    for (;;) {
        if (c->body_left > 0) {
            n = (size_t)(end - p) < c->body_left ? (size_t)(end - p) : c->body_left;
            p += n;
            c->body_left -= n;
            if (c->body_left > 0)
                return done;
            done++;
        }
        n = head_end(p, end);
        if (n == 0)
            break;
        p += n;
        if (body_bytes > 0)
            c->body_left = body_bytes;
        else
            done++;
    }
    c->carried = (uint8_t)(end - p < CARRY ? end - p : CARRY);
    memcpy(c->carry, end - c->carried, c->carried);
    return done;
}

static void
hang_up(int fd)
{
    free(conns[fd].ws);
    conns[fd].ws = NULL;
    conns[fd].open = false;
    close(fd); /* leaves the epoll set by itself */
}

static void
watch(int fd, uint32_t events, int op)
{
    struct epoll_event ev = {.events = events, .data.fd = fd};

    if (epoll_ctl(epfd, op, fd, &ev) < 0)
        die("epoll_ctl");
}

/* Send what is owed.  False: the connection is gone, or the socket took less. */
static bool
flush(int fd)
{
    struct conn *c = &conns[fd];
    const char *from = c->http10 ? closing_answer : answers;
    size_t one = c->http10 ? closing_size : answer_size;
    size_t row = c->http10 ? closing_size : answer_size * copies;

    while (c->owed > 0) {
        size_t start = (one - c->owed % one) % one; /* inside an answer, after a short send */
        size_t n = c->owed < row - start ? c->owed : row - start;
        ssize_t sent = send(fd, from + start, n, MSG_NOSIGNAL);

        if (sent < 0 && errno != EAGAIN)
            hang_up(fd);
        if (sent < 0)
            return false;
        c->owed -= (size_t)sent;
    }
    return true;
}

static void
answer(int fd, size_t requests)
{
    struct conn *c = &conns[fd];

    c->owed += requests * (c->http10 ? closing_size : answer_size);
    if (flush(fd)) {
        if (c->http10)
            hang_up(fd);
    } else if (c->open) {
        watch(fd, EPOLLOUT, EPOLL_CTL_MOD);
    }
}

/* Send it all: whoever has sent so much takes as much, sooner or later. */
static void
send_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

        if (sent < 0 && errno != EAGAIN) {
            hang_up(fd);
            return;
        }
        p += sent > 0 ? sent : 0;
        n -= sent > 0 ? (size_t)sent : 0;
    }
}

static void
become_websocket(int fd)
{
    static const char answer[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

    conns[fd].ws = calloc(1, sizeof *conns[fd].ws);
    if (conns[fd].ws == NULL)
        die("calloc");
    send_all(fd, answer, sizeof answer - 1);
}

static void
on_frames(int fd)
{
    struct websocket *ws = conns[fd].ws;
    ssize_t n = recv(fd, ws->frame + ws->have, sizeof ws->frame - ws->have, 0);
    const char *back;
    ptrdiff_t size;

    if (n <= 0) {
        if (n == 0 || errno != EAGAIN)
            hang_up(fd);
        return;
    }
    ws->have += (size_t)n;
    size = ws_echo(ws, &back);
    if (size < 0)
        hang_up(fd);
    else if (size > 0)
        send_all(fd, back, (size_t)size);
}

static void
on_readable(int fd)
{
    struct conn *c = &conns[fd];
    char *start = buf + CARRY - c->carried;
    ssize_t n = recv(fd, buf + CARRY, READ_SIZE, 0);
    size_t requests;

    if (n <= 0) {
        if (n == 0 || errno != EAGAIN)
            hang_up(fd);
        return;
    }
    if (c->fresh) {
        char *line_end = memchr(buf + CARRY, '\r', (size_t)n);

        c->http10 = line_end != NULL && line_end - buf > CARRY && line_end[-1] == '0';
        c->fresh = false;
        if (memmem(buf + CARRY, (size_t)n, "Sec-WebSocket-Key", 17) != NULL) {
            become_websocket(fd);
            return;
        }
    }
    memcpy(start, c->carry, c->carried);
    requests = count_requests(c, start, buf + CARRY + n);
    if (requests > 0)
        answer(fd, requests);
}

static void
on_writable(int fd)
{
    if (!flush(fd))
        return;
    if (conns[fd].http10)
        hang_up(fd);
    else
        watch(fd, EPOLLIN, EPOLL_CTL_MOD);
}

static void
accept_all(void)
{
    int fd, one = 1;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if ((size_t)fd >= max_conns) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        conns[fd] = (struct conn){.open = true, .fresh = true};
        watch(fd, EPOLLIN, EPOLL_CTL_ADD);
    }
}

static void
listen_on(uint16_t port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0)
        die("socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&addr, sizeof addr) < 0 || listen(listener, BACKLOG) < 0)
        die("floor: cannot listen");
    watch(listener, EPOLLIN, EPOLL_CTL_ADD);
}

static void
make_tables(size_t answer_body)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        die("getrlimit");
    max_conns = limit.rlim_cur;
    conns = calloc(max_conns, sizeof *conns);
    if (conns == NULL)
        die("calloc");
    copies = answer_body < 1024 ? SEND_AT_ONCE : 1;
    answers = make_answer("", answer_body, copies, &answer_size);
    closing_answer = make_answer("Connection: close\r\n", answer_body, 1, &closing_size);
}

static void
serve(void)
{
    static struct epoll_event events[MAX_EVENTS];

    for (;;) {
        int n = epoll_wait(epfd, events, MAX_EVENTS, -1);

        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;

            if (fd == listener)
                accept_all();
            else if (conns[fd].ws != NULL)
                on_frames(fd);
            else if (events[i].events & EPOLLOUT)
                on_writable(fd);
            else
                on_readable(fd);
        }
    }
}

int
main(int argc, char **argv)
{
    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: floor PORT [ANSWER_BYTES [BODY_BYTES]]\n");
        return 2;
    }
    if (argc > 3)
        body_bytes = strtoul(argv[3], NULL, 10);
    epfd = epoll_create1(EPOLL_CLOEXEC);
    if (epfd < 0)
        die("epoll_create1");
    make_tables(argc > 2 ? strtoul(argv[2], NULL, 10) : 13);
    listen_on((uint16_t)strtoul(argv[1], NULL, 10));
    serve();
}
