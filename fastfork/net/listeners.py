"""Listening sockets: made or inherited by the arbiter, used by every worker.

A draining worker closes its own copy of a listener and never calls `shutdown()` on it: that
would end it for the other workers too.

Runs in: arbiter
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from fastfork import forks
from fastfork.address import Address, FdAddress, TcpAddress, UnixAddress
from fastfork.errors import ConfigError
from fastfork.records import record, replace

log = logging.getLogger("fastfork.error")

# As gunicorn: long enough for a predecessor that is just stopping to let the address go.
BIND_ATTEMPTS: Final = 5
BIND_PAUSE: Final = 1.0  # seconds


@record(frozen=True)
class SocketFile:
    """The file of a unix socket and who made it: only they may remove it."""

    path: str
    device: int
    inode: int
    owner_pid: int

    @classmethod
    def made_here(cls, path: str) -> SocketFile:
        """Describe the file that this process has just bound."""
        found = os.stat(path)
        # The working directory follows `chdir`, and so may a link on the way to the file.
        folder, name = os.path.split(path)
        real = os.path.join(os.path.realpath(folder), name)
        return cls(real, found.st_dev, found.st_ino, os.getpid())

    def remove(self) -> None:
        """Unlink the file, unless it is another process's or has been replaced."""
        if os.getpid() != self.owner_pid:
            return
        with suppress(OSError):
            found = os.stat(self.path)
            if (found.st_dev, found.st_ino) == (self.device, self.inode):
                os.unlink(self.path)


@record(frozen=True)
class Listener:
    """A socket that listens, and the address to show for it.  Closing it is the owner's part."""

    sock: socket.socket
    address: Address
    file: SocketFile | None = None

    def __post_init__(self) -> None:
        """Have it closed in processes that others fork: they would keep the port."""
        forks.hold(self)

    def let_go(self) -> None:
        """Let go in a child that is not ours: close the copy."""
        self.sock.close()


def open_listeners(
    addresses: Sequence[Address],
    backlog: int,
    *,
    reuse_port: bool = False,
    only_v6: bool = False,
    listen: bool = True,
    attempts: int = BIND_ATTEMPTS,
    pause: Callable[[float], None] = time.sleep,
) -> list[Listener]:
    """Listen on every address, in order; all or nothing.

    Sockets come back non-blocking and close-on-exec.  An address in use is tried `attempts`
    times, a second apart.  A TCP port of 0 is answered with the port that the kernel chose.

    backlog: connections that may wait for accept(), see listen(2).
    reuse_port: other TCP sockets, ours and other programs', may have the address too.
    only_v6: IPv6 sockets leave IPv4 clients to another one (ipv6(7), IPV6_V6ONLY); else `::` is
    for both, where the system has it so.
    listen: False leaves TCP sockets bound; nobody is sent to them before they listen.
    Raises ConfigError with one line that says which address and what to do.
    """
    opened: list[Listener] = []
    try:
        for address in addresses:
            how = _How(backlog if listen else 0, reuse_port, only_v6)
            opened.append(_open_patiently(address, how, pause, attempts))
    except BaseException:
        close_listeners(opened)
        raise
    return opened


def close_listeners(listeners: Sequence[Listener]) -> None:
    """Close this process's copies; remove the unix sockets that this process made."""
    for listener in listeners:
        # The file first: while our socket is open, no other file can get its inode number.
        if listener.file is not None:
            listener.file.remove()
        listener.sock.close()


@record(frozen=True)
class _How:
    """How to open a socket; a backlog of 0: it does not listen yet."""

    backlog: int
    reuse_port: bool
    only_v6: bool


def _open_patiently(
    address: Address, how: _How, pause: Callable[[float], None], attempts: int
) -> Listener:
    for attempt in range(1, attempts + 1):
        try:
            return _open(address, how)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or attempt == attempts:
                raise ConfigError(f"bind: {explain(address, error)}") from None
            log.warning("%s is in use; trying again (%d of %d)", address, attempt, attempts)
            pause(BIND_PAUSE)
    raise AssertionError("the last attempt returns or raises")


def _open(address: Address, how: _How) -> Listener:
    match address:
        case TcpAddress():
            return _open_tcp(address, how)
        case UnixAddress():
            return _open_unix(address, how.backlog)
        case FdAddress():
            return _adopt(address, how.backlog)


@contextmanager
def _closed_on_error(sock: socket.socket) -> Iterator[socket.socket]:
    """Nobody else knows the socket yet when something fails in here."""
    try:
        yield sock
    except BaseException:
        sock.close()
        raise


def _open_tcp(address: TcpAddress, how: _How) -> Listener:
    family, sockaddr = _resolve(address)
    with _closed_on_error(socket.socket(family, socket.SOCK_STREAM)) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if how.reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if how.only_v6 and family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # Set on the listener: accepted sockets inherit it, so a request pays no setsockopt().
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind(sockaddr)
        sock.setblocking(False)
        if how.backlog:
            sock.listen(how.backlog)
        return Listener(sock, replace(address, port=sock.getsockname()[1]))


def _resolve(address: TcpAddress) -> tuple[socket.AddressFamily, tuple[Any, ...]]:
    """Return the first address of the host; of a name that has both kinds the IPv4 one, as
    gunicorn."""
    # As bytes: text would be encoded by the rules of IDNA, for which large tables are loaded.
    host = address.host.encode() if address.host.isascii() else address.host
    found = socket.getaddrinfo(
        host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    family, _, _, _, sockaddr = found[0]
    return family, sockaddr


def _open_unix(address: UnixAddress, backlog: int) -> Listener:
    if address.path.startswith(("\0", "@")):
        name, file = "\0" + address.path[1:], ""  # unix(7): no file, gone with the last copy
    else:
        name = file = address.path
        _remove_stale(file)
    with _closed_on_error(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as sock:
        # Nobody can connect before the socket listens, and by then the owner is right too.
        previous = os.umask(0o777 & ~address.access.mode)
        try:
            sock.bind(name)
        finally:
            os.umask(previous)
        made = SocketFile.made_here(file) if file else None
        try:
            if made is not None:
                _give_away(made, address)
            _start_listening(sock, backlog)
        except BaseException:
            if made is not None:
                made.remove()
            raise
        return Listener(sock, address, made)


def _give_away(file: SocketFile, address: UnixAddress) -> None:
    """Make the file its owner's.  Raises ConfigError when this process may not."""
    access = address.access
    if (access.uid, access.gid) == (-1, -1):
        return
    try:
        os.chown(file.path, access.uid, access.gid, follow_symlinks=False)
    except OSError as error:
        raise ConfigError(
            f"socket_owner: {address} cannot be given to {access.uid}:{access.gid}: "
            f"{error.strerror}; start as root, or leave it out"
        ) from None


def _remove_stale(path: str) -> None:
    """Remove a socket file that nobody listens on.

    Raises OSError EADDRINUSE when somebody answers, EEXIST when the file is not ours to judge.
    """
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(
            errno.EEXIST, "is there and is no socket; remove it or choose another path"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        # Non-blocking: a server with a full backlog answers EAGAIN at once, and is alive.
        probe.setblocking(False)
        code = probe.connect_ex(path)
    if code in (0, errno.EAGAIN):
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    if code == errno.ECONNREFUSED:
        with suppress(FileNotFoundError):
            os.unlink(path)
    elif code != errno.ENOENT:
        raise OSError(errno.EEXIST, f"is there and may be in use ({os.strerror(code)})")


def _adopt(address: FdAddress, backlog: int) -> Listener:
    with _closed_on_error(socket.socket(fileno=address.fd)) as sock:
        if sock.type != socket.SOCK_STREAM:
            raise OSError(errno.EPROTOTYPE, "is a socket, but not a stream socket")
        sock.set_inheritable(False)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as _open_tcp
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            sock.setblocking(False)  # whoever made it has chosen its backlog
        else:
            _refuse_connection(sock)
            _start_listening(sock, backlog)
        return Listener(sock, address)


def _refuse_connection(sock: socket.socket) -> None:
    """Raise OSError when the socket is one end of a connection (Accept=yes in a .socket unit)."""
    try:
        sock.getpeername()
    except OSError:
        return
    raise OSError(errno.EISCONN, "is a connection and does not listen; write Accept=no")


def _start_listening(sock: socket.socket, backlog: int) -> None:
    sock.setblocking(False)
    sock.listen(backlog)


def explain(address: Address, error: OSError) -> str:
    """Say in one line why `address` cannot be listened on, and what to do about it."""
    if isinstance(error, socket.gaierror):
        host = address.host if isinstance(address, TcpAddress) else str(address)
        return f"{address}: the host {host!r} is not known ({error.strerror}); use an IP address"
    match address, error.errno:
        case _, errno.EADDRINUSE:
            return f"{address} is in use; stop the program that listens there or choose another"
        case TcpAddress(), errno.EACCES:
            return f"{address}: ports below 1024 need root or CAP_NET_BIND_SERVICE; use 8000"
        case TcpAddress(), errno.EADDRNOTAVAIL:
            return f"{address}: this machine has no address {address.host}; use 0.0.0.0 for all"
        case UnixAddress(), errno.ENOENT | errno.ENOTDIR:
            folder = os.path.dirname(address.path) or "."
            return f"{address}: there is no directory {folder}; make it, or choose another path"
        case UnixAddress(), errno.EACCES | errno.EPERM | errno.EROFS:
            folder = os.path.dirname(address.path) or "."
            return f"{address}: this user may not make a file in {folder}; choose another path"
        case FdAddress(), errno.EBADF | errno.ENOTSOCK:
            return f"{address}: file descriptor {address.fd} is not an inherited socket"
    return f"{address}: {error.strerror or error}"
