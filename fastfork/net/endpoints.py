"""The endpoints a server listens at: which sockets each worker gets, which a reload keeps.

An endpoint is one configured address.  It has one socket that all workers share, or with
`reuse_port` as many as there are workers.  Which of them a worker has is its *socket index*, and
its replacement gets the same: the kernel divides new connections between these sockets, and one
without a worker would keep its share waiting.  So the arbiter keeps them open while workers come
and go.

Runs in: arbiter
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress

from fastfork.address import Address, FdAddress, TcpAddress, UnixAddress
from fastfork.net.activation import PASSED_PREFIX
from fastfork.net.listeners import (
    BIND_ATTEMPTS,
    Listener,
    SocketFile,
    close_listeners,
    open_listeners,
)
from fastfork.net.stop_accepting import stop_accepting
from fastfork.records import record


@record(eq=False)
class Endpoint:
    """asked: the address as configured.  listeners: one, or one for each socket index.

    only_v6: another address has the same port for IPv4.
    is_lent: somebody else has these sockets too (the service manager, the parent process), and
    will serve them after us.
    """

    asked: Address
    listeners: list[Listener]
    backlog: int
    is_lent: bool = False
    only_v6: bool = False

    @property
    def is_shared(self) -> bool:
        """Whether one socket is all there can be."""
        return not isinstance(self.listeners[0].address, TcpAddress)

    def listener_at(self, index: int) -> Listener:
        """Return the socket with this index; the only one when it is shared."""
        return self.listeners[index % len(self.listeners)]

    def grow(self, socket_count: int) -> None:
        """Have `sockets` sockets.  Raises ConfigError.

        A further one listens only when its worker is ready and says so: before, the kernel
        would send it a share of the clients.
        """
        while len(self.listeners) < socket_count:
            address = self.listeners[0].address  # not `asked`: the kernel chose the port
            self.listeners += open_listeners(
                [address], self.backlog, reuse_port=True, only_v6=self.only_v6, listen=False
            )

    def shrink(self, socket_count: int) -> list[Listener]:
        """Give up the sockets beyond `sockets`; they are the caller's to close."""
        surplus = self.listeners[socket_count:]
        del self.listeners[socket_count:]
        return surplus


class Endpoints:
    """Everything that workers of one revision of the settings listen on.  Never changed but by
    the number of its sockets.

    reuse_port: each worker has TCP sockets of its own.
    """

    def __init__(self, endpoints: Sequence[Endpoint], *, reuse_port: bool) -> None:
        self.all = list(endpoints)
        self.reuse_port = reuse_port

    def listeners_at(self, index: int) -> list[Listener]:
        """Return what a worker with this socket index listens on, in the order of the settings."""
        return [endpoint.listener_at(index) for endpoint in self.all]

    def listeners(self) -> list[Listener]:
        """Return every socket there is."""
        return [listener for endpoint in self.all for listener in endpoint.listeners]

    @property
    def socket_count(self) -> int:
        """How many workers can have sockets of their own."""
        return max((len(endpoint.listeners) for endpoint in self.all), default=1)

    def grow(self, socket_count: int) -> None:
        """Have sockets for this many workers, if each has its own.  Raises ConfigError."""
        if self.reuse_port:
            for endpoint in self.all:
                if not endpoint.is_shared:
                    endpoint.grow(socket_count)

    def shrink(self, socket_count: int) -> list[Listener]:
        """Have no more than this many.  What is given up lets nobody in any more; whoever has
        it should serve those that wait, then the caller closes it."""
        surplus = [one for endpoint in self.all for one in endpoint.shrink(max(socket_count, 1))]
        for listener in surplus:
            stop_accepting(listener.sock)
        return surplus


def stop_accepting_at(endpoints: Iterable[Endpoint]) -> None:
    """Let nobody new in at these endpoints, but where the sockets are only lent."""
    for endpoint in endpoints:
        if not endpoint.is_lent:
            for listener in endpoint.listeners:
                stop_accepting(listener.sock)


# (address as configured, descriptors of sockets that listen there already).
Inherited = Sequence[tuple[str, Sequence[int]]]


def settle(
    addresses: Sequence[Address],
    backlog: int,
    *,
    reuse_port: bool,
    socket_count: int,
    before: Endpoints | None = None,
    inherited: Inherited = (),
) -> Endpoints:
    """Listen at every address; what is open `before`, or was `inherited`, is kept.

    All or nothing: when one cannot be opened, those that were opened for this are closed.
    Raises ConfigError with one line that says which address and what to do.
    """
    known = [] if before is None else list(before.all)
    # Those of a service manager have the right number in their address already.
    heirloom = [entry for entry in inherited if not entry[0].startswith(PASSED_PREFIX)]
    endpoints: list[Endpoint] = []
    fresh: list[Endpoint] = []
    try:
        for address in addresses:
            endpoint = next((endpoint for endpoint in known if endpoint.asked == address), None)
            if endpoint is not None:
                known.remove(endpoint)  # the same address may be there twice, as 127.0.0.1:0
            else:
                endpoint = _open(
                    address,
                    backlog,
                    reuse_port,
                    heirloom,
                    only_v6=_leaves_v4(address, addresses),
                    is_first=before is None,
                )
                fresh.append(endpoint)
            endpoints.append(endpoint)
        made = Endpoints(endpoints, reuse_port=reuse_port)
        if reuse_port and before is None and not inherited:
            made.grow(socket_count)
            for listener in made.listeners():
                listener.sock.listen(backlog)
        else:
            made.grow(socket_count)
    except BaseException:
        close_endpoints(fresh)
        raise
    for fd in [fd for _asked, descriptors in heirloom for fd in descriptors]:
        with suppress(OSError):
            os.close(fd)  # the new settings do not want it
    _set_backlog(endpoints, backlog)
    return made


def _set_backlog(endpoints: Iterable[Endpoint], backlog: int) -> None:
    for endpoint in endpoints:
        if endpoint.backlog != backlog:
            endpoint.backlog = backlog
            for listener in endpoint.listeners:
                listener.sock.listen(backlog)


def close_endpoints(endpoints: Iterable[Endpoint], *, keep_files: bool = False) -> None:
    """Close this process's copies.

    keep_files: the files of unix sockets stay, since another process listens there.
    """
    for endpoint in endpoints:
        if keep_files:
            for listener in endpoint.listeners:
                listener.sock.close()
        else:
            close_listeners(endpoint.listeners)


def _open(
    address: Address,
    backlog: int,
    reuse_port: bool,
    heirloom: list[tuple[str, Sequence[int]]],
    *,
    only_v6: bool,
    is_first: bool,
) -> Endpoint:
    is_lent = isinstance(address, FdAddress)
    for entry in heirloom:
        text, descriptors = entry
        if text == str(address) and descriptors:
            heirloom.remove(entry)
            listeners = [_adopted(address, fd, backlog) for fd in descriptors]
            return Endpoint(address, listeners, backlog, is_lent, only_v6)
    # A reload does not wait for an address: nobody would watch the workers meanwhile.
    attempts = BIND_ATTEMPTS if is_first else 1
    listeners = open_listeners(
        [address], backlog, reuse_port=reuse_port, only_v6=only_v6, attempts=attempts
    )
    return Endpoint(address, listeners, backlog, is_lent, only_v6)


def _leaves_v4(address: Address, addresses: Iterable[Address]) -> bool:
    """Return whether it is one of IPv6, and another one has the same port for IPv4: a socket at
    `::` would have both, and the other could not be opened."""
    return (
        isinstance(address, TcpAddress)
        and address.is_ipv6
        and address.port != 0
        and any(
            isinstance(one, TcpAddress) and not one.is_ipv6 and one.port == address.port
            for one in addresses
        )
    )


def _adopted(address: Address, fd: int, backlog: int) -> Listener:
    """Return a socket of the program that this one takes over from."""
    sock = socket.socket(fileno=fd)
    sock.set_inheritable(False)
    sock.setblocking(False)
    sock.listen(backlog)
    if isinstance(address, TcpAddress):
        return Listener(sock, TcpAddress(address.host, sock.getsockname()[1]))
    file = None
    if isinstance(address, UnixAddress) and not address.is_abstract:
        with suppress(OSError):
            file = SocketFile.made_here(address.path)
    return Listener(sock, address, file)
