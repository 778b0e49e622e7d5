/* soak.c -- the client of the soak test: many requests, each answer compared byte by byte.
 *
 *     soak PORT REQUEST ANSWER CONNECTIONS REQUESTS DEPTH MODE
 *
 * REQUEST is a file with the bytes of one request, ANSWER one with the bytes of the right
 * answer, of which only the value of Date may differ.  DEPTH requests are pipelined.  MODE:
 *
 *     keep    connections stay open
 *     close   one request each, then the server has to close
 *     half    the same, and the client half-closes when it has sent
 *     reset   the first bytes of a request, more each time, then a reset; no answer is read
 *
 * Prints {"requests": N, "errors": N, "first": "what was wrong first"}; ends with 0, or with 2
 * when nothing moved for ten seconds.
 *
 * Runs in: cli
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 1024,
    FILE_MAX = 1 << 21,
    RECEIVE_BYTES = 1 << 18,
    DATE_BYTES = 29,      /* RFC 9110 section 5.6.7: IMF-fixdate has one length */
    SOURCES = 16,         /* 127.0.0.2 and on: ports in TIME_WAIT do not run out */
    STALLED_MS = 10000,
    SHOWN = 60
};

enum mode { KEEP, CLOSE, HALF, RESET };

struct client {
    int fd;
    size_t unsent;   /* bytes of the batch that are still to be sent */
    size_t got;      /* bytes of the answer that is being read */
    int waiting;     /* answers that are owed to us */
    bool writing;    /* the poller watches for room */
};

static char *batch, answer[FILE_MAX], received[RECEIVE_BYTES];
static size_t request_size, batch_size, answer_size, date_at;
static long begun, done, wanted, errors;
static char first_error[2 * SHOWN];
static int depth, poller, port;
static enum mode mode;

static void
wrong(const char *what, const char *shown, size_t size)
{
    size_t i;
    int at;

    if (errors++ > 0)
        return;
    at = snprintf(first_error, sizeof(first_error), "%s ", what);
    for (i = 0; i < size && i < SHOWN; i++) /* as JSON text: nothing that needs an escape */
        first_error[at++] = shown[i] < ' ' || strchr("\"\\\177", shown[i]) ? '.' : shown[i];
    first_error[at] = '\0';
}

static size_t
load(const char *path, char *into)
{
    FILE *file = fopen(path, "rb");
    size_t size;

    if (file == NULL) {
        perror(path);
        exit(1);
    }
    size = fread(into, 1, FILE_MAX, file);
    fclose(file);
    return size;
}

static bool
same(const char *p, size_t from, size_t size)
{
    size_t end = from + size, cut;

    if (from < date_at) {
        cut = end < date_at ? end : date_at;
        if (memcmp(p, answer + from, cut - from) != 0)
            return false;
        p += cut - from;
        from = cut;
    }
    if (from < end && from < date_at + DATE_BYTES) {
        cut = end < date_at + DATE_BYTES ? end : date_at + DATE_BYTES;
        p += cut - from;
        from = cut;
    }
    return from >= end || memcmp(p, answer + from, end - from) == 0;
}

static void
watch(struct client *client, int operation)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};

    if (client->writing)
        event.events |= EPOLLOUT;
    if (epoll_ctl(poller, operation, client->fd, &event) != 0) {
        perror("epoll_ctl");
        exit(1);
    }
}

static int
connected(void)
{
    static unsigned turn;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in from = {.sin_family = AF_INET};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + turn++ % SOURCES);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        perror("connect");
        exit(1);
    }
    return fd;
}

static void write_some(struct client *client);

/* The next batch of requests, if any are left to be made. */
static void
begin(struct client *client)
{
    int count = wanted - begun < depth ? (int)(wanted - begun) : depth;

    if (count == 0)
        return;
    begun += count;
    client->waiting = count;
    client->unsent = (size_t)count * request_size;
    client->got = 0;
    write_some(client);
}

static void
open_client(struct client *client)
{
    client->fd = connected();
    client->writing = false;
    client->waiting = 0;
    watch(client, EPOLL_CTL_ADD);
    begin(client);
}

/* Close this connection; another one takes its place as long as requests are left. */
static void
reopen(struct client *client)
{
    close(client->fd);
    client->fd = -1;
    done += client->waiting; /* they failed, and were counted as errors */
    client->waiting = 0;
    if (begun < wanted)
        open_client(client);
}

static void
write_some(struct client *client)
{
    const char *from = batch + (batch_size - client->unsent);
    ssize_t n = send(client->fd, from, client->unsent, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n > 0)
        client->unsent -= (size_t)n;
    else if (n < 0 && errno != EAGAIN)
        client->unsent = 0; /* reading will tell what has happened */
    if (client->writing != (client->unsent > 0)) {
        client->writing = client->unsent > 0;
        watch(client, EPOLL_CTL_MOD);
    }
    if (client->unsent == 0 && mode == HALF)
        shutdown(client->fd, SHUT_WR);
}

static void
take(struct client *client, const char *p, size_t n)
{
    size_t piece;

    while (n > 0) {
        piece = answer_size - client->got < n ? answer_size - client->got : n;
        if (client->waiting == 0 || !same(p, client->got, piece)) {
            wrong(client->waiting ? "wrong answer" : "unasked", p, n);
            reopen(client);
            return;
        }
        client->got += piece;
        p += piece;
        n -= piece;
        if (client->got == answer_size) {
            client->got = 0;
            client->waiting--;
            done++;
        }
    }
    if (client->waiting == 0 && mode == KEEP)
        begin(client);
}

static void
read_some(struct client *client)
{
    ssize_t n = recv(client->fd, received, RECEIVE_BYTES, MSG_DONTWAIT);

    if (n > 0) {
        take(client, received, (size_t)n);
    } else if (n == 0 || errno != EAGAIN) {
        if (n < 0)
            wrong("reset", "", 0);
        else if (mode == KEEP || client->waiting > 0)
            wrong("ended early", "", 0);
        reopen(client);
    }
}

/* Each time one byte more of the request, then a reset. */
static void
reset_all(void)
{
    struct linger at_once = {.l_onoff = 1};
    int fd;

    for (; done < wanted; done++) {
        fd = connected();
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        if (send(fd, batch, (size_t)done % (request_size + 1), MSG_NOSIGNAL) < 0)
            wrong("send", "", 0);
        close(fd);
    }
}

static int
serve_all(int connections)
{
    static struct client clients[CONNECTIONS_MAX];
    struct epoll_event events[64];
    struct client *client;
    int i, count;

    poller = epoll_create1(EPOLL_CLOEXEC);
    for (i = 0; i < connections && begun < wanted; i++)
        open_client(&clients[i]);
    while (done < wanted) {
        count = epoll_wait(poller, events, 64, STALLED_MS);
        if (count <= 0) {
            wrong("nothing moved for ten seconds", "", 0);
            return 2;
        }
        for (i = 0; i < count; i++) {
            client = events[i].data.ptr;
            if (client->fd >= 0 && client->unsent > 0 && events[i].events & EPOLLOUT)
                write_some(client);
            if (client->fd >= 0 && events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))
                read_some(client);
        }
    }
    return 0;
}

int
main(int argc, char **argv)
{
    static const char *names[] = {"keep", "close", "half", "reset"};
    static char one[FILE_MAX];
    char *date;
    int i, code = 0, connections;

    if (argc != 8) {
        fprintf(stderr, "soak PORT REQUEST ANSWER CONNECTIONS REQUESTS DEPTH MODE\n");
        return 1;
    }
    port = atoi(argv[1]);
    request_size = load(argv[2], one);
    answer_size = load(argv[3], answer);
    connections = atoi(argv[4]);
    wanted = atol(argv[5]);
    depth = atoi(argv[6]);
    for (i = 0; i < 4; i++)
        if (strcmp(argv[7], names[i]) == 0)
            mode = (enum mode)i;
    if (connections < 1 || connections > CONNECTIONS_MAX || depth < 1 || depth > 1024) {
        fprintf(stderr, "1 to %d connections, a depth of 1 to 1024\n", CONNECTIONS_MAX);
        return 1;
    }
    batch_size = (size_t)depth * request_size;
    batch = malloc(batch_size + 1);
    for (i = 0; batch != NULL && i < depth; i++)
        memcpy(batch + (size_t)i * request_size, one, request_size);
    date = memmem(answer, answer_size, "\r\nDate: ", 8);
    date_at = date == NULL ? answer_size : (size_t)(date - answer) + 8;
    if (mode == RESET)
        reset_all();
    else
        code = serve_all(connections);
    printf("{\"requests\": %ld, \"errors\": %ld, \"first\": \"%s\"}\n", done, errors, first_error);
    return code;
}
