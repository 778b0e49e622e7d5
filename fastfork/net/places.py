"""The places a server listens at: which sockets each worker gets, which a reload keeps.

A place is one configured address.  It has one socket that all workers share, or with
`reuse_port` one for each berth, a berth being what a worker hands to its replacement: the
kernel divides new connections between these sockets, and one without a worker would keep its
share waiting.  So the arbiter keeps them open while workers come and go.

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
from fastfork.net.quiet import quiet
from fastfork.records import record


@record(eq=False)
class Place:
    """asked: the address as configured.  listeners: one, or one a berth.

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

    def berth(self, number: int) -> Listener:
        """The socket of a berth."""
        return self.listeners[number % len(self.listeners)]

    def grow(self, berths: int) -> None:
        """Have a socket for each of `berths`.  Raises ConfigError.

        A further one listens only when its worker is ready and says so: before, the kernel
        would send it a share of the clients.
        """
        while len(self.listeners) < berths:
            address = self.listeners[0].address  # not `asked`: the kernel chose the port
            self.listeners += open_listeners(
                [address], self.backlog, reuse_port=True, only_v6=self.only_v6, listen=False
            )

    def shrink(self, berths: int) -> list[Listener]:
        """Give up the sockets beyond `berths`; they are the caller's to close."""
        surplus = self.listeners[berths:]
        del self.listeners[berths:]
        return surplus


class Places:
    """Everything that workers of one revision of the settings listen on.  Never changed but by
    the number of its berths.

    reuse_port: each berth has TCP sockets of its own.
    """

    def __init__(self, places: Sequence[Place], *, reuse_port: bool) -> None:
        self.all = list(places)
        self.reuse_port = reuse_port

    def berth(self, number: int) -> list[Listener]:
        """What the worker at this berth listens on, in the order of the settings."""
        return [place.berth(number) for place in self.all]

    def listeners(self) -> list[Listener]:
        """Every socket there is."""
        return [listener for place in self.all for listener in place.listeners]

    @property
    def berths(self) -> int:
        """How many workers can have sockets of their own."""
        return max((len(place.listeners) for place in self.all), default=1)

    def grow(self, berths: int) -> None:
        """Have this many berths, if each has sockets of its own.  Raises ConfigError."""
        if self.reuse_port:
            for place in self.all:
                if not place.is_shared:
                    place.grow(berths)

    def shrink(self, berths: int) -> list[Listener]:
        """Have no more than this many.  What is given up lets nobody in any more; whoever has
        it should serve those that wait, then the caller closes it."""
        surplus = [one for place in self.all for one in place.shrink(max(berths, 1))]
        for listener in surplus:
            quiet(listener.sock)
        return surplus


def silence(places: Iterable[Place]) -> None:
    """Let nobody new in at these places, but where the sockets are only lent."""
    for place in places:
        if not place.is_lent:
            for listener in place.listeners:
                quiet(listener.sock)


# (address as configured, descriptors of sockets that listen there already).
Inherited = Sequence[tuple[str, Sequence[int]]]


def settle(
    addresses: Sequence[Address],
    backlog: int,
    *,
    reuse_port: bool,
    berths: int,
    before: Places | None = None,
    inherited: Inherited = (),
) -> Places:
    """Listen at every address; what is open `before`, or was `inherited`, is kept.

    All or nothing: when one cannot be opened, those that were opened for this are closed.
    Raises ConfigError with one line that says which address and what to do.
    """
    known = [] if before is None else list(before.all)
    # Those of a service manager have the right number in their address already.
    heirloom = [entry for entry in inherited if not entry[0].startswith(PASSED_PREFIX)]
    places: list[Place] = []
    fresh: list[Place] = []
    try:
        for address in addresses:
            place = next((place for place in known if place.asked == address), None)
            if place is not None:
                known.remove(place)  # the same address may be there twice, as 127.0.0.1:0
            else:
                place = _open(
                    address,
                    backlog,
                    reuse_port,
                    heirloom,
                    only_v6=_leaves_v4(address, addresses),
                    is_first=before is None,
                )
                fresh.append(place)
            places.append(place)
        made = Places(places, reuse_port=reuse_port)
        if reuse_port and before is None and not inherited:
            made.grow(berths)
            for listener in made.listeners():
                listener.sock.listen(backlog)
        else:
            made.grow(berths)
    except BaseException:
        close_places(fresh)
        raise
    for fd in [fd for _asked, descriptors in heirloom for fd in descriptors]:
        with suppress(OSError):
            os.close(fd)  # the new settings do not want it
    _set_backlog(places, backlog)
    return made


def _set_backlog(places: Iterable[Place], backlog: int) -> None:
    for place in places:
        if place.backlog != backlog:
            place.backlog = backlog
            for listener in place.listeners:
                listener.sock.listen(backlog)


def close_places(places: Iterable[Place], *, keep_files: bool = False) -> None:
    """Close this process's copies.

    keep_files: the files of unix sockets stay, since another process listens there.
    """
    for place in places:
        if keep_files:
            for listener in place.listeners:
                listener.sock.close()
        else:
            close_listeners(place.listeners)


def _open(
    address: Address,
    backlog: int,
    reuse_port: bool,
    heirloom: list[tuple[str, Sequence[int]]],
    *,
    only_v6: bool,
    is_first: bool,
) -> Place:
    is_lent = isinstance(address, FdAddress)
    for entry in heirloom:
        text, descriptors = entry
        if text == str(address) and descriptors:
            heirloom.remove(entry)
            listeners = [_adopted(address, fd, backlog) for fd in descriptors]
            return Place(address, listeners, backlog, is_lent, only_v6)
    # A reload does not wait for an address: nobody would watch the workers meanwhile.
    attempts = BIND_ATTEMPTS if is_first else 1
    listeners = open_listeners(
        [address], backlog, reuse_port=reuse_port, only_v6=only_v6, attempts=attempts
    )
    return Place(address, listeners, backlog, is_lent, only_v6)


def _leaves_v4(address: Address, addresses: Iterable[Address]) -> bool:
    """Whether it is one of IPv6, and another one has the same port for IPv4: a socket at `::`
    would have both, and the other could not be opened."""
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
    """A socket of the program that this one takes over from."""
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
