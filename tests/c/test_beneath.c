/* test_beneath.c -- names of files below a directory, and what of them is opened: by openat2(2)
 * and by walking, which must agree but for links that stay inside. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/beneath.h"
#include "harness.h"

#define A16 "aaaaaaaaaaaaaaaa"
#define A256 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16

static const struct {
    const char *bytes;
    size_t n;
    int fault;
} NAMES[] = {
    {BYTES(""), FF_NAME_OK},
    {BYTES("a"), FF_NAME_OK},
    {BYTES("a/"), FF_NAME_OK},
    {BYTES("a/b.css"), FF_NAME_OK},
    {BYTES("a..b"), FF_NAME_OK},
    {BYTES("a.."), FF_NAME_OK},
    {BYTES("..."), FF_NAME_HIDDEN},
    {BYTES("..a"), FF_NAME_HIDDEN},
    {BYTES(".a"), FF_NAME_HIDDEN},
    {BYTES("/"), FF_NAME_STRAYS},
    {BYTES("/a"), FF_NAME_STRAYS},
    {BYTES("a//b"), FF_NAME_STRAYS},
    {BYTES("a//"), FF_NAME_STRAYS},
    {BYTES("."), FF_NAME_STRAYS},
    {BYTES(".."), FF_NAME_STRAYS},
    {BYTES("./a"), FF_NAME_STRAYS},
    {BYTES("../a"), FF_NAME_STRAYS},
    {BYTES("a/.."), FF_NAME_STRAYS},
    {BYTES("a/../b"), FF_NAME_STRAYS},
    {BYTES("a/../"), FF_NAME_STRAYS},
    {BYTES(".git/../a"), FF_NAME_STRAYS},
    {BYTES(".git"), FF_NAME_HIDDEN},
    {BYTES(".git/config"), FF_NAME_HIDDEN},
    {BYTES("a/.htaccess"), FF_NAME_HIDDEN},
    {BYTES(".well-known"), FF_NAME_OK},
    {BYTES(".well-known/security.txt"), FF_NAME_OK},
    {BYTES("a/.well-known/b"), FF_NAME_OK},
    {BYTES(".well-known/.git"), FF_NAME_HIDDEN},
    {BYTES(".well-knowns"), FF_NAME_HIDDEN},
    {BYTES(".well-know"), FF_NAME_HIDDEN},
    {BYTES("a\0b"), FF_NAME_NUL},
    {BYTES("\0"), FF_NAME_NUL},
    {BYTES("../\0"), FF_NAME_NUL},
    {BYTES(A256), FF_NAME_TOO_LONG},
    {BYTES("a/" A256 "/b"), FF_NAME_TOO_LONG},
    {BYTES("a/" A256 "/.."), FF_NAME_STRAYS},
};

static void
test_names(void)
{
    char text[4097];

    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        int got = ff_name_fault(before_guard(NAMES[i].bytes, NAMES[i].n), NAMES[i].n);

        check(got == NAMES[i].fault, "name", NAMES[i].bytes, "%d", got);
        got = ff_name_fault(after_guard(NAMES[i].bytes, NAMES[i].n), NAMES[i].n);
        check(got == NAMES[i].fault, "name, more behind it", NAMES[i].bytes, "%d", got);
    }
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 100 == 99 ? '/' : 'a';
    check(ff_name_fault(text, 4095) == FF_NAME_OK, "name", "4095 bytes", "refused");
    check(ff_name_fault(text, 4096) == FF_NAME_TOO_LONG, "name", "4096 bytes", "taken");
}

/* A tree to open files in; `outside` is beside `root`. */
static char top[] = "/tmp/ff-beneath-XXXXXX";

static void
make_file(int directory, const char *name)
{
    int fd = openat(directory, name, O_CREAT | O_WRONLY, 0644);

    check(fd >= 0 && write(fd, name, strlen(name)) > 0, "tree", name, "%s", strerror(errno));
    close(fd);
}

static int
make_tree(void)
{
    int at, root;

    if (mkdtemp(top) == NULL || (at = open(top, O_RDONLY | O_DIRECTORY)) < 0)
        return -1;
    make_file(at, "outside");
    mkdirat(at, "root", 0755);
    root = openat(at, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    make_file(root, "a");
    mkdirat(root, "dir", 0755);
    make_file(root, "dir/b");
    mkfifoat(root, "fifo", 0644);
    check(symlinkat("a", root, "to_a") == 0 && symlinkat("dir", root, "to_dir") == 0 &&
              symlinkat("../a", root, "dir/up") == 0 &&
              symlinkat("../outside", root, "to_outside") == 0 &&
              symlinkat("../../outside", root, "dir/far") == 0 &&
              symlinkat("..", root, "to_top") == 0 && symlinkat("/", root, "to_slash") == 0 &&
              symlinkat("/proc/self/root", root, "magic") == 0 &&
              symlinkat("nothing", root, "dangling") == 0 &&
              symlinkat("loop", root, "loop") == 0,
          "tree", "links", "%s", strerror(errno));
    close(at);
    return root;
}

static void
remove_tree(void)
{
    static const char *const FILES[] = {
        "root/dir/b", "root/dir/up", "root/dir/far", "root/a", "root/fifo", "root/to_a",
        "root/to_dir", "root/to_outside", "root/to_top", "root/to_slash", "root/magic",
        "root/dangling", "root/loop", "outside",
    };
    int at = open(top, O_RDONLY | O_DIRECTORY);

    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++)
        unlinkat(at, FILES[i], 0);
    unlinkat(at, "root/dir", AT_REMOVEDIR);
    unlinkat(at, "root", AT_REMOVEDIR);
    close(at);
    rmdir(top);
}

/* 0: it is opened.  ANY_LINK: -EXDEV or -ELOOP. */
#define ANY_LINK (-100000)

static const struct {
    const char *name;
    int beneath, walked, followed;
} OPENED[] = {
    {"a", 0, 0, 0},
    {"dir/b", 0, 0, 0},
    {"dir", 0, 0, 0},
    {"dir/", 0, 0, 0},
    {"", 0, 0, 0},
    {"fifo", 0, 0, 0}, /* without waiting for a writer */
    {"none", -ENOENT, -ENOENT, -ENOENT},
    {"dir/none", -ENOENT, -ENOENT, -ENOENT},
    {"none/b", -ENOENT, -ENOENT, -ENOENT},
    {"a/", -ENOTDIR, -ENOTDIR, -ENOTDIR},
    {"a/b", -ENOTDIR, -ENOTDIR, -ENOTDIR},
    {"to_a", 0, ANY_LINK, 0},
    {"dir/up", 0, ANY_LINK, 0},
    {"to_dir/b", 0, ANY_LINK, 0},
    {"to_dir/", 0, ANY_LINK, 0},
    {"dangling", -ENOENT, ANY_LINK, -ENOENT},
    {"loop", ANY_LINK, ANY_LINK, ANY_LINK},
    {"to_outside", ANY_LINK, ANY_LINK, 0},
    {"dir/far", ANY_LINK, ANY_LINK, 0},
    {"to_top/outside", ANY_LINK, ANY_LINK, 0},
    {"to_slash/etc/passwd", ANY_LINK, ANY_LINK, 0},
    {"magic/etc/passwd", ANY_LINK, ANY_LINK, 0},
};

static void
expect(const char *group, const char *name, int got, int wanted)
{
    int ok = wanted == 0          ? got >= 0
             : wanted == ANY_LINK ? got == -EXDEV || got == -ELOOP
                                  : got == wanted;

    check(ok, group, name, "%s", got < 0 ? strerror(-got) : "opened");
    if (got >= 0) {
        check(fcntl(got, F_GETFD) & FD_CLOEXEC, group, name, "is not close-on-exec");
        close(got);
    }
}

static void
test_opening(int fd)
{
    ff_root beneath = {fd, false, false}, follows = {fd, true, false};
    int lowest = dup(fd), after;

    close(lowest);
    for (size_t i = 0; i < sizeof OPENED / sizeof OPENED[0]; i++) {
        const char *name = OPENED[i].name;

        expect("walked", name, ff_beneath_walk(fd, name), OPENED[i].walked);
        expect("followed", name, ff_beneath_open(&follows, name), OPENED[i].followed);
        /* qemu-user, and old kernels, have no openat2(2). */
        after = ff_beneath_open(&beneath, name);
        expect("beneath", name, after, beneath.walks ? OPENED[i].walked : OPENED[i].beneath);
    }
    after = dup(fd);
    check(after == lowest, "opened", "all", "a descriptor is left open");
    close(after);
}

void
test_beneath(void)
{
    int root = make_tree();

    test_names();
    check(root >= 0, "tree", top, "%s", strerror(errno));
    if (root >= 0)
        test_opening(root);
    close(root);
    remove_tree();
}
