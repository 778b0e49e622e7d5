/* latency.c -- the client of benchmarks.latency: kept connections that think, and the time each answer took.
 *
 *     latency PORT CONNECTIONS SECONDS SEED FILE
 *
 * Every connection asks, waits for the answer, thinks for 0 to 20 ms, and asks again.  With a
 * probability of 3 % it asks for /sleep, which the application answers after 100 ms, else for /,
 * which it answers at once.  The client chooses, so it knows which answers were to be instant.
 *
 * Latency counts from the moment of the send to the last byte of the answer.  A client that is
 * late itself would add to it, so its own lateness is measured too: how long after the end of
 * thinking each request was sent.
 *
 * FILE gets a record of 32 bits a request: microseconds, the highest bit set for /sleep.  The
 * first WARM_UP_MS do not count, but in "requests", for whoever divides CPU by it.  Prints a JSON
 * object; ends with 0 whatever the server did.
 *
 * Runs in: cli
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 1024,
    RECORDS_MAX = 1 << 22,
    ANSWER_MAX = 4096,
    SLEEP_OF_1000 = 30,
    THINK_NS = 20 * 1000 * 1000,
    WARM_UP_MS = 1000,
    PATIENCE_MS = 10000,   /* for one answer */
    KINDS = 8,             /* of errors */
    SHOWN = 60
};

#define SECOND_NS 1000000000LL
#define SLEPT 0x80000000u

static const char *const requests[] = {
    "GET / HTTP/1.1\r\nHost: latency\r\n\r\n",
    "GET /sleep HTTP/1.1\r\nHost: latency\r\n\r\n",
};
static const char *const bodies[] = {"Hello, World!", "Good morning!"};

struct client {
    int fd;
    bool asking;           /* an answer is owed to us */
    int kind;              /* 0 instant, 1 sleeping */
    int64_t due, sent;     /* CLOCK_MONOTONIC: end of thinking; of the send */
    size_t got;
    char answer[ANSWER_MAX];
};

static struct client clients[CONNECTIONS_MAX];
static uint32_t latencies[RECORDS_MAX], lateness[RECORDS_MAX];
static long requests_answered, count, late_count, errors[KINDS];
static const char *error_names[KINDS];
static char first_error[2 * SHOWN];
static int connections, open_connections, poller;
static uint64_t random_state;
static int64_t counts_from;

static int64_t
now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND_NS + t.tv_nsec;
}

/* xorshift64*: the same requests for every server. */
static uint32_t
random_below(uint32_t limit)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)(((random_state * 0x2545F4914F6CDD1DULL) >> 32) % limit);
}

static void
think(struct client *client, int64_t now)
{
    client->asking = false;
    client->due = now + random_below(THINK_NS);
}

/* The connection is lost, for this reason; the others go on. */
static void
fail(struct client *client, const char *why)
{
    size_t i;
    int kind = 0, at;

    while (kind < KINDS - 1 && error_names[kind] != NULL && strcmp(error_names[kind], why) != 0)
        kind++;
    if (error_names[kind] == NULL)
        error_names[kind] = why;
    errors[kind]++;
    if (first_error[0] == '\0') {
        at = snprintf(first_error, sizeof(first_error), "%s: ", why);
        for (i = 0; i < client->got && i < SHOWN; i++) { /* nothing that JSON must escape */
            char c = client->answer[i];
            first_error[at++] = c < ' ' || c > '~' || c == '"' || c == '\\' ? '.' : c;
        }
        first_error[at] = '\0';
    }
    close(client->fd);
    client->fd = -1;
    open_connections--;
}

static void
connect_it(struct client *client, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    int on = 1;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        perror("connect");
        exit(1);
    }
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (epoll_ctl(poller, EPOLL_CTL_ADD, client->fd, &event) != 0) {
        perror("epoll_ctl");
        exit(1);
    }
    open_connections++;
}

static void
ask(struct client *client)
{
    size_t size;

    client->kind = random_below(1000) < SLEEP_OF_1000;
    client->got = 0;
    client->asking = true;
    client->sent = now_ns();
    size = strlen(requests[client->kind]);
    if (send(client->fd, requests[client->kind], size, MSG_NOSIGNAL) != (ssize_t)size) {
        fail(client, "the send failed");
        return;
    }
    if (client->sent >= counts_from && late_count < RECORDS_MAX)
        lateness[late_count++] = (uint32_t)((client->sent - client->due) / 1000);
}

/* How many bytes the whole answer has: 0 while that is not known, -1 when it is a wrong one. */
static long
answer_size(struct client *client)
{
    static const char name[] = "\r\ncontent-length:";
    char *end, *length, *rest;
    long body;

    client->answer[client->got] = '\0';
    end = strstr(client->answer, "\r\n\r\n");
    if (end == NULL)
        return client->got < ANSWER_MAX - 1 ? 0 : -1;
    if (strncmp(client->answer, "HTTP/1.1 200 ", 13) != 0)
        return -1;
    length = strcasestr(client->answer, name);
    if (length == NULL || length > end)
        return -1;
    body = strtol(length + sizeof(name) - 1, &rest, 10);
    if (*rest != '\r' || body != (long)strlen(bodies[client->kind]))
        return -1;
    return end + 4 - client->answer + body;
}

static void
answered(struct client *client)
{
    int64_t now = now_ns();

    requests_answered++;
    if (client->sent >= counts_from && count < RECORDS_MAX)
        latencies[count++] = (uint32_t)((now - client->sent) / 1000) | (client->kind ? SLEPT : 0);
    think(client, now);
}

static void
read_some(struct client *client)
{
    ssize_t n = recv(client->fd, client->answer + client->got, ANSWER_MAX - 1 - client->got,
                     MSG_DONTWAIT);
    const char *body;
    long size;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        fail(client, n < 0 ? "reset" : client->asking ? "closed unanswered" : "closed while idle");
        return;
    }
    client->got += (size_t)n;
    size = client->asking ? answer_size(client) : -1;
    if (size == 0 || (size > 0 && client->got < (size_t)size))
        return;
    body = bodies[client->kind];
    if (size < 0 || client->got > (size_t)size ||
        memcmp(client->answer + size - strlen(body), body, strlen(body)) != 0)
        fail(client, "another answer");
    else
        answered(client);
}

/* Ask on those whose time has come, until `end`; returns when the next one is due. */
static int64_t
ask_those_due(int64_t end)
{
    int64_t now = now_ns(), next = now + SECOND_NS / 10;
    int i;

    for (i = 0; i < connections; i++) {
        struct client *client = &clients[i];
        if (client->fd < 0)
            continue;
        if (client->asking) {
            if (now - client->sent > PATIENCE_MS * 1000000LL)
                fail(client, "no answer in 10 s");
        } else if (now < end) {
            if (client->due <= now)
                ask(client);
            else if (client->due < next)
                next = client->due;
        }
    }
    return next;
}

static bool
somebody_asks(void)
{
    int i;

    for (i = 0; i < connections; i++)
        if (clients[i].fd >= 0 && clients[i].asking)
            return true;
    return false;
}

static void
play(int64_t end)
{
    struct epoll_event events[CONNECTIONS_MAX], alarm_event = {.events = EPOLLIN, .data.ptr = NULL};
    int alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), i, n;
    uint64_t expired;

    if (alarm_fd < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, alarm_fd, &alarm_event) != 0) {
        perror("timerfd");
        exit(1);
    }
    while (open_connections > 0 && (now_ns() < end || somebody_asks())) {
        int64_t next = ask_those_due(end);
        struct itimerspec due = {.it_value = {next / SECOND_NS, next % SECOND_NS}};

        timerfd_settime(alarm_fd, TFD_TIMER_ABSTIME, &due, NULL);
        n = epoll_wait(poller, events, CONNECTIONS_MAX, 1000);
        for (i = 0; i < n; i++) {
            struct client *client = events[i].data.ptr;
            if (client == NULL)
                (void)!read(alarm_fd, &expired, sizeof(expired));
            else if (client->fd >= 0)
                read_some(client);
        }
    }
    close(alarm_fd);
}

static int
ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void
report(double seconds)
{
    bool first = true;
    int i;

    qsort(lateness, (size_t)late_count, sizeof(*lateness), ascending);
    printf("{\"requests\": %ld, \"counted\": %ld, \"seconds\": %.6f, ", requests_answered, count,
           seconds);
    printf("\"late_p99_us\": %u, ", late_count ? lateness[late_count * 99 / 100] : 0);
    printf("\"late_max_us\": %u, ", late_count ? lateness[late_count - 1] : 0);
    printf("\"first_error\": \"%s\", \"errors\": {", first_error);
    for (i = 0; i < KINDS && error_names[i] != NULL; i++, first = false)
        printf("%s\"%s\": %ld", first ? "" : ", ", error_names[i], errors[i]);
    printf("}}\n");
}

int
main(int argc, char **argv)
{
    int64_t began, end;
    FILE *file;
    int i;

    if (argc != 6 || (connections = atoi(argv[2])) < 1 || connections > CONNECTIONS_MAX) {
        fprintf(stderr, "usage: latency PORT CONNECTIONS SECONDS SEED FILE\n");
        return 1;
    }
    random_state = strtoull(argv[4], NULL, 10) * 0x9E3779B97F4A7C15ULL + 1;
    poller = epoll_create1(EPOLL_CLOEXEC);
    began = now_ns();
    for (i = 0; i < connections; i++) {
        connect_it(&clients[i], atoi(argv[1]));
        think(&clients[i], now_ns());
    }
    counts_from = began + WARM_UP_MS * 1000000LL;
    end = counts_from + (int64_t)(atof(argv[3]) * 1e9);
    play(end);
    report((double)(now_ns() - counts_from) / 1e9);
    file = fopen(argv[5], "wb");
    if (file == NULL || fwrite(latencies, sizeof(*latencies), (size_t)count, file) != (size_t)count ||
        fclose(file) != 0) {
        perror(argv[5]);
        return 1;
    }
    return 0;
}
