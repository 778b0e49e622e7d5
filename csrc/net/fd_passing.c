/* fd_passing.c -- see fd_passing.h. */
#include "port.h"

#include "net/fd_passing.h"
#include "interrupted.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define SKIP_MAX 16 /* messages without a descriptor, skipped in one call */

/* The alignment that CMSG_FIRSTHDR() needs. */
typedef union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
} rights;

int
ff_handover_put(int pool, int fd, const ff_facts *facts)
{
    rights control;
    struct iovec vector = {(void *)facts, sizeof(*facts)};
    struct msghdr message = {0};
    struct cmsghdr *header;
    ssize_t n;

    memset(&control, 0, sizeof(control));
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof(control.bytes);
    header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    do {
        n = sendmsg(pool, &message, MSG_DONTWAIT | FF_MSG_NOSIGNAL);
    } while (n < 0 && ff_interrupted(errno));
    return n < 0 ? errno : 0;
}

/* One message: its descriptor, -1 when it has none, -2 when there is no message. */
static int
take_one(int pool, ff_facts *facts)
{
    rights control;
    struct iovec vector = {facts, sizeof(*facts)};
    struct msghdr message = {0};
    struct cmsghdr *header;
    ssize_t n;
    int fd = -1;

    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof(control.bytes);
    do {
        n = recvmsg(pool, &message, MSG_DONTWAIT | FF_MSG_CLOEXEC);
    } while (n < 0 && ff_interrupted(errno));
    if (n <= 0)
        return -2;
    header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    ff_keep_received(fd);
    if (fd >= 0 && (n != sizeof(*facts) || message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
        close(fd);
        return -1;
    }
    return fd;
}

int
ff_handover_take(int pool, ff_facts *facts)
{
    for (int i = 0; i < SKIP_MAX; i++) {
        int fd = take_one(pool, facts);
        if (fd >= 0) {
            facts->address[FF_ADDRESS_MAX - 1] = '\0';
            return fd;
        }
        if (fd == -2)
            return -1;
    }
    return -1;
}
