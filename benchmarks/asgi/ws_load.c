/* ws_load.c -- the clients of a WebSocket that sends each message back.
 *
 *     ws_load PORT PATH CONNECTIONS SECONDS MESSAGE_BYTES
 *
 * Each connection sends a text message, waits until all of it has come back, and sends the next.
 * All are masked alike, with a mask that has to be undone.
 * Prints a line of JSON as load.lua does.  Exit code 1 when an echo is not the message, or a
 * connection ends.  Offers no compression; asks a key that floor.c knows the answer to.
 *
 * Source: RFC 6455 sections 4.1 and 5.2. */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_CONNECTIONS = 1024,
    MAX_HEAD = 14, /* bytes before the payload of a masked frame */
    ANSWER = 4096, /* bytes of the answer to a handshake, at the most */
    SAMPLES = 1 << 20,
    PATIENCE_MS = 10000
};

struct conn {
    int fd;
    size_t to_send; /* of the message */
    size_t came;    /* of the echo */
    int64_t began;  /* ns, when it was sent */
};

static const unsigned char MASK[4] = {0x37, 0xfa, 0x21, 0x3d}; /* RFC 6455 section 5.7 */

static struct conn conns[MAX_CONNECTIONS];
static unsigned char *message, *echo, *got;
static size_t message_size, echo_size;
static uint32_t samples[SAMPLES]; /* us; the first million of them */
static size_t done;
static int epfd;

static void
die(const char *what)
{
    fprintf(stderr, "ws_load: %s: %s\n", what, errno ? strerror(errno) : "not as it should be");
    exit(1);
}

static int64_t
now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A frame of text; returns its size. */
static size_t
make_frame(unsigned char *to, size_t payload, int masked)
{
    size_t n = 2;
    unsigned char bit = masked ? 0x80 : 0;

    to[0] = 0x81; /* FIN, text */
    if (payload < 126) {
        to[1] = (unsigned char)(bit | payload);
    } else if (payload < 65536) {
        to[1] = bit | 126;
        to[2] = (unsigned char)(payload >> 8);
        to[3] = (unsigned char)payload;
        n = 4;
    } else {
        to[1] = bit | 127;
        for (int i = 0; i < 8; i++)
            to[2 + i] = (unsigned char)((uint64_t)payload >> (56 - 8 * i));
        n = 10;
    }
    if (masked) {
        memcpy(to + n, MASK, 4);
        n += 4;
    }
    for (size_t i = 0; i < payload; i++)
        to[n + i] = (unsigned char)('a' + i % 26) ^ (masked ? MASK[i & 3] : 0);
    return n + payload;
}

static void
shake_hands(int fd, const char *path)
{
    char text[ANSWER];
    size_t have = 0;
    int n = snprintf(text, sizeof text,
                     "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                     "Sec-WebSocket-Version: 13\r\n\r\n", path);

    if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
        die("the handshake");
    do {
        ssize_t came = recv(fd, text + have, sizeof text - 1 - have, 0);

        if (came <= 0)
            die("the answer to the handshake");
        have += (size_t)came;
        text[have] = 0;
    } while (strstr(text, "\r\n\r\n") == NULL);
    errno = 0;
    if (strncmp(text, "HTTP/1.1 101", 12) != 0)
        die(text);
}

static void
open_one(struct conn *c, uint16_t port, const char *path)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    int one = 1;

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&addr, sizeof addr) < 0)
        die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    shake_hands(c->fd, path);
    if (epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &ev) < 0)
        die("epoll_ctl");
}

static void
watch(struct conn *c, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = c};

    if (epoll_ctl(epfd, EPOLL_CTL_MOD, c->fd, &ev) < 0)
        die("epoll_ctl");
}

static void
go_on_sending(struct conn *c, int was_waiting)
{
    ssize_t n = send(c->fd, message + message_size - c->to_send, c->to_send,
                     MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n < 0 && errno != EAGAIN)
        die("send");
    c->to_send -= n > 0 ? (size_t)n : 0;
    if (c->to_send > 0)
        watch(c, EPOLLIN | EPOLLOUT);
    else if (was_waiting)
        watch(c, EPOLLIN);
}

static void
begin(struct conn *c)
{
    c->to_send = message_size;
    c->came = 0;
    c->began = now_ns();
    go_on_sending(c, 0);
}

static void
on_readable(struct conn *c)
{
    ssize_t n = recv(c->fd, got, echo_size - c->came + 1, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return;
    errno = n < 0 ? errno : 0;
    if (n <= 0 || c->came + (size_t)n > echo_size || memcmp(got, echo + c->came, (size_t)n) != 0)
        die("an echo");
    c->came += (size_t)n;
    if (c->came < echo_size)
        return;
    if (done < SAMPLES)
        samples[done] = (uint32_t)((now_ns() - c->began) / 1000);
    done++;
    begin(c);
}

static int
by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
    struct epoll_event events[256];
    int64_t began, end;
    size_t kept;
    int count;

    if (argc != 6) {
        fprintf(stderr, "usage: ws_load PORT PATH CONNECTIONS SECONDS MESSAGE_BYTES\n");
        return 2;
    }
    count = atoi(argv[3]);
    if (count < 1 || count > MAX_CONNECTIONS)
        die("CONNECTIONS");
    message_size = strtoul(argv[5], NULL, 10);
    message = malloc(message_size + MAX_HEAD);
    echo = malloc(message_size + MAX_HEAD);
    got = malloc(message_size + MAX_HEAD);
    epfd = epoll_create1(EPOLL_CLOEXEC);
    if (message == NULL || echo == NULL || got == NULL || epfd < 0)
        die("memory");
    echo_size = make_frame(echo, message_size, 0);
    message_size = make_frame(message, message_size, 1);
    for (int i = 0; i < count; i++)
        open_one(&conns[i], (uint16_t)atoi(argv[1]), argv[2]);
    began = now_ns();
    end = began + (int64_t)(atof(argv[4]) * 1e9);
    for (int i = 0; i < count; i++)
        begin(&conns[i]);
    while (now_ns() < end) {
        int n = epoll_wait(epfd, events, 256, PATIENCE_MS);

        errno = 0;
        if (n <= 0)
            die("no echo for ten seconds");
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;

            if (events[i].events & EPOLLOUT)
                go_on_sending(c, 1);
            if (events[i].events & ~(uint32_t)EPOLLOUT)
                on_readable(c);
        }
    }
    end = now_ns();
    kept = done < SAMPLES ? done : SAMPLES;
    qsort(samples, kept, sizeof *samples, by_size);
    printf("{\"requests\": %zu, \"duration_us\": %lld, \"p50_us\": %u, \"p99_us\": %u, "
           "\"errors\": {}}\n",
           done, (long long)((end - began) / 1000), kept ? samples[kept / 2] : 0,
           kept ? samples[kept * 99 / 100] : 0);
    return 0;
}
