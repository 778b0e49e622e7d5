/* beneath.h -- opens a file below a directory, and none outside it.
 *
 * The name comes from a URL.  The kernel keeps it below the directory (openat2(2) with
 * RESOLVE_BENEATH, Linux 5.6); where that cannot be had, the name is walked component by component
 * and no link is followed.  A name is compared by components in both cases, never as text. */
#ifndef FF_BENEATH_H
#define FF_BENEATH_H

#include <stdbool.h>
#include <stddef.h>

/* What is wrong with a name. */
enum {
    FF_NAME_OK,
    FF_NAME_NUL,      /* a NUL byte: system calls would see a shorter name */
    FF_NAME_STRAYS,   /* a component is empty, `.` or `..` */
    FF_NAME_HIDDEN,   /* a component begins with a dot and is not `.well-known` (RFC 8615) */
    FF_NAME_TOO_LONG, /* longer than PATH_MAX, or a component longer than NAME_MAX */
};

typedef struct {
    int fd;       /* of the directory */
    bool follows; /* links may lead out of it */
    bool walks;   /* openat2(2) cannot be had: noted by ff_beneath_open */
} ff_root;

/* What is wrong with the n bytes of a name below a directory, FF_NAME_OK for nothing.  The name has
 * no slash in front; one at its end is good, and so is a name of no bytes: both name a directory. */
int ff_name_fault(const char *p, size_t n);

/* Open a file for reading by a name that is FF_NAME_OK, ended by a zero.  Returns a descriptor,
 * close-on-exec, which is the caller's to close; or a negative errno.  -EXDEV and -ELOOP: a link
 * leads out of the directory.  A FIFO or a device does not make it wait. */
int ff_beneath_open(ff_root *root, const char *name);

/* The same, by walking. */
int ff_beneath_walk(int root, const char *name);

#endif
