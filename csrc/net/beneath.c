/* beneath.c -- see beneath.h. */
#include "port.h"

#include "net/beneath.h"
#include "interrupted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONGEST_PATH 4095 /* PATH_MAX of Linux, without the zero */
#define LONGEST_NAME 255  /* NAME_MAX */
#define ATTEMPTS 4        /* when something is renamed while the kernel resolves a name */

/* O_NONBLOCK: whoever opens a FIFO would wait for a writer.  O_NOCTTY: nor is a terminal ours. */
#define HOW (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

static int
component_fault(const char *p, size_t n)
{
    if (n == 0 || (p[0] == '.' && (n == 1 || (n == 2 && p[1] == '.'))))
        return FF_NAME_STRAYS;
    if (p[0] == '.' && (n != 11 || memcmp(p, ".well-known", 11) != 0))
        return FF_NAME_HIDDEN;
    return n > LONGEST_NAME ? FF_NAME_TOO_LONG : FF_NAME_OK;
}

int
ff_name_fault(const char *p, size_t n)
{
    const char *end = p + n;
    int worst = FF_NAME_OK;

    if (memchr(p, '\0', n) != NULL)
        return FF_NAME_NUL;
    while (p < end) {
        const char *slash = memchr(p, '/', (size_t)(end - p));
        const char *stop = slash != NULL ? slash : end;
        int fault = component_fault(p, (size_t)(stop - p));

        if (fault == FF_NAME_STRAYS)
            return fault;
        if (worst == FF_NAME_OK)
            worst = fault;
        p = stop + 1;
    }
    return worst == FF_NAME_OK && n > LONGEST_PATH ? FF_NAME_TOO_LONG : worst;
}

/* openat(2), again when a signal came in between. */
static int
open_at(int directory, const char *name, int flags)
{
    int fd;

    do {
        fd = openat(directory, name, flags);
    } while (fd < 0 && ff_interrupted(errno));
    return fd < 0 ? -errno : fd;
}

/* The same for one component that may not be a link: those are -ELOOP. */
static int
open_component(int directory, const char *name, int flags)
{
    struct stat facts;
    int fd = open_at(directory, name, flags | O_NOFOLLOW);

    /* A link where a directory is wanted is told like any other file. */
    if (fd == -ENOTDIR && fstatat(directory, name, &facts, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(facts.st_mode))
        return -ELOOP;
    return fd;
}

int
ff_beneath_walk(int root, const char *name)
{
    char component[LONGEST_NAME + 1];
    int directory = root, fd = -ENOENT;

    for (;;) {
        const char *slash = strchr(name, '/');
        size_t n = slash != NULL ? (size_t)(slash - name) : strlen(name);

        if (n == 0 && directory != root)
            return directory; /* the name ends in a slash */
        if (n > LONGEST_NAME)
            fd = -ENAMETOOLONG;
        else {
            memcpy(component, n ? name : ".", n ? n : 1);
            component[n ? n : 1] = '\0';
            fd = open_component(directory, component,
                                slash == NULL    ? HOW
                                : slash[1] == '\0' ? HOW | O_DIRECTORY
                                                   : FF_O_PATH | O_DIRECTORY | O_CLOEXEC);
        }
        if (directory != root)
            close(directory);
        if (fd < 0 || slash == NULL)
            return fd;
        directory = fd;
        name = slash + 1;
    }
}

static int
open_beneath(int root, const char *name)
{
    int fd, attempts = ATTEMPTS;

    do {
        fd = ff_open_beneath(root, name, HOW);
    } while (fd < 0 && (ff_interrupted(-fd) || (fd == -EAGAIN && --attempts > 0)));
    return fd;
}

int
ff_beneath_open(ff_root *root, const char *name)
{
    int fd;

    if (*name == '\0')
        name = ".";
    if (root->follows)
        return open_at(root->fd, name, HOW);
    if (!root->walks) {
        fd = open_beneath(root->fd, name);
        /* EPERM is a sandbox's (seccomp) that does not know the call. */
        if (fd == -ENOSYS || fd == -EPERM)
            root->walks = true;
        else if (fd != -EAGAIN)
            return fd;
    }
    return ff_beneath_walk(root->fd, name);
}
