"""What not every system has: one name for each of it, and what the others have instead.

csrc/port.h is the same for the compiled code.  No other module names what is Linux's alone, and
none asks which system this is.  A build with FASTFORK_PORTABLE=1 takes the other branches on Linux
as well, so that the tests run what macOS and the BSDs would.

Runs in: both
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import Final

from fastfork._core import port

__all__ = [
    "ABSENT",
    "ACCEPT_FILTER",
    "CHILD_SUBREAPER",
    "IS_LINUX",
    "PARENT_DEATH_SIGNAL",
    "PROC",
    "QUEUE_OF_LISTENER",
    "become",
    "children",
    "has_ended",
    "memory_file",
    "message_pair",
    "open_anew",
    "own_descriptors",
    "processors",
    "received_flag",
    "signal_when_closed",
    "wakeup_pipe",
]

IS_LINUX: Final[bool] = port.IS_LINUX

# What a server does without, elsewhere than on Linux: told once, when it starts.
ABSENT: Final = (
    "a worker whose arbiter was killed notices it in its next turn, and not at all while it is "
    "stuck; connections that are made while the server stops may be reset; no worker wakes alone "
    "for a new connection; a client that leaves while its request is in the application is noticed "
    "when it is written to; a pipe that nobody reads may hold up who writes the log; files are "
    "sent by read and write; max_rss, preload_app, refork and the metrics of memory and of accept "
    "queues have no effect"
)

# Where the kernel tells of processes (proc(5)); elsewhere a folder that does not exist, so that
# what is looked for in it is absent, as of a process that has gone.
PROC: Final = "/proc" if IS_LINUX else "/nonexistent/proc"

# Options, None where there is no such thing.  <asm-generic/socket.h>, tcp(7), <linux/prctl.h>.
ACCEPT_FILTER: Final = 26 if IS_LINUX else None  # SO_ATTACH_FILTER, which Python does not name
QUEUE_OF_LISTENER: Final = getattr(socket, "TCP_INFO", None) if IS_LINUX else None
PARENT_DEATH_SIGNAL: Final = 1  # PR_SET_PDEATHSIG; asked for, it fails elsewhere
CHILD_SUBREAPER: Final = 36  # PR_SET_CHILD_SUBREAPER; the same


def processors() -> int:
    """Return how many this process may use."""
    if sys.platform == "linux" and IS_LINUX:
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def message_pair() -> tuple[socket.socket, socket.socket]:
    """Two ends between which whole messages go (unix(7)).

    The kind of Linux's tells of the end of the other side too.  Raises OSError.
    """
    kind = socket.SOCK_SEQPACKET if IS_LINUX else socket.SOCK_DGRAM
    return socket.socketpair(socket.AF_UNIX, kind)


def received_flag() -> int:
    """For recvmsg(2): descriptors that come are closed in programs that are executed.

    0 where there is none: whoever receives them has to say so for each.
    """
    return getattr(socket, "MSG_CMSG_CLOEXEC", 0) if IS_LINUX else 0


def wakeup_pipe() -> tuple[int, int]:
    """Return a pipe that nobody waits for, closed in programs that are executed.  Raises
    OSError."""
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    return ends


def memory_file(name: str) -> int:
    """Return a file without a name in a folder, for `name` see memfd_create(2).  Raises OSError."""
    if sys.platform == "linux" and IS_LINUX:
        return os.memfd_create(name)
    import tempfile  # here: Linux has the other

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def own_descriptors() -> list[int]:
    """Return the open descriptors of this process, and one that is closed already.

    Raises OSError where nobody knows: FreeBSD's /dev/fd may show the first three alone.
    """
    if IS_LINUX:
        return list(map(int, os.listdir(f"{PROC}/self/fd")))
    if sys.platform.startswith(("darwin", "linux")):
        return list(map(int, os.listdir("/dev/fd")))
    raise OSError("/dev/fd does not tell")


def open_anew(descriptor: int, flags: int) -> int:
    """Return what `descriptor` is, opened once more, with flags and a position of its own.

    Raises OSError where that cannot be done; elsewhere than on Linux it never can: /dev/fd is
    dup(2) there.
    """
    return os.open(f"{PROC}/self/fd/{descriptor}", flags)


def children(parent: int) -> list[int]:
    """Return the processes whose parent is `parent`, without those that have ended."""
    if not IS_LINUX:
        return _children_by_ps(parent)
    found = []
    for number in filter(str.isdigit, os.listdir(PROC)):
        with suppress(OSError), open(f"{PROC}/{number}/stat", errors="replace") as file:
            # proc_pid_stat(5): the name in parentheses may hold anything; state ppid ...
            state, its_parent = file.read().rpartition(")")[2].split()[:2]
            if int(its_parent) == parent and state != "Z":
                found.append(int(number))
    return sorted(found)


def _children_by_ps(parent: int) -> list[int]:
    import subprocess  # here: for test suites alone

    command = ["ps", "-A", "-o", "pid=,ppid=,stat="]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    lines = (line.split() for line in shown.stdout.splitlines())
    return sorted(
        int(pid)
        for pid, its_parent, state in lines
        if int(its_parent) == parent and not state.startswith("Z")
    )


def has_ended(pid: int) -> bool:
    """Return whether this child has ended; its exit status stays for whoever waits.

    Raises ChildProcessError when it is no child, or somebody has waited for it.  On macOS Python
    tells neither before 3.13.
    """
    ended = False
    if sys.platform != "darwin":
        # WNOWAIT: as long as it is not reaped, nobody else gets its number.
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    return ended


def become(uid: int, gid: int) -> None:
    """Give this process these ids, with no way back (setresuid(2)).  Raises OSError.

    Elsewhere that is what setuid(2) does for root.
    """
    if sys.platform != "darwin" and IS_LINUX:
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    else:
        os.setgid(gid)
        os.setuid(uid)


def signal_when_closed(descriptor: int, signum: int) -> None:
    """Have this process sent `signum` when the other end of a pipe is closed (fcntl(2)).

    Elsewhere than on Linux the signal is always SIGIO, whose handler sends the other.
    """
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
    if sys.platform == "linux" and IS_LINUX:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signum)
    else:
        signal.signal(signal.SIGIO, lambda _signum, _frame: os.kill(os.getpid(), signum))
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC | os.O_NONBLOCK)
