"""Sockets that the service manager opened for us: sd_listen_fds(3), with names.

Which of them are used is said with `bind`: see `resolve`.

Runs in: arbiter
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping, Sequence
from contextlib import suppress
from typing import Final

from fastfork.address import Address, PassedAddress, TcpAddress, UnixAddress
from fastfork.errors import ConfigError
from fastfork.net.listeners import Listener
from fastfork.records import record

FIRST: Final = 3  # SD_LISTEN_FDS_START
MOST: Final = 1024
PASSED_PREFIX: Final = "systemd:"  # how PassedAddress is written
NAMELESS: Final = "unknown"  # sd_listen_fds(3): the name of a socket without one
VARIABLES: Final = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID")


def passed(environ: MutableMapping[str, str], pid: int) -> list[PassedAddress]:
    """Return the sockets that were passed to process `pid`; takes the variables out of `environ`.

    They are made close-on-exec: what the application starts has no use for them.
    Raises ConfigError when the variables contradict themselves.
    """
    given = {name: environ.pop(name) for name in VARIABLES if name in environ}
    try:
        if int(given.get("LISTEN_PID", "0")) != pid:
            return []  # none, or another process's: a parent handed its environment down
        count = int(given.get("LISTEN_FDS", "0"))
    except ValueError:
        count = -1
    if not 0 <= count <= MOST:
        raise ConfigError(
            f"LISTEN_FDS: {given.get('LISTEN_FDS', '')!r} is no number of sockets; "
            "unset LISTEN_PID when no service manager started this"
        )
    names = given["LISTEN_FDNAMES"].split(":") if given.get("LISTEN_FDNAMES") else []
    if names and len(names) != count:
        raise ConfigError(f"LISTEN_FDNAMES: {len(names)} names for {count} sockets")
    found = []
    for index in range(count):
        fd = FIRST + index
        with suppress(OSError):
            os.set_inheritable(fd, False)
        found.append(PassedAddress(fd, names[index] if names else NAMELESS))
    return found


def passed_on(sockets: Sequence[tuple[str, Sequence[int]]]) -> list[PassedAddress]:
    """Return those among the inherited sockets of an upgrade that a service manager passed once.

    sockets: (address as configured, descriptors).  The new program has no LISTEN_FDS.
    """
    return [
        PassedAddress(fd, asked.removeprefix(PASSED_PREFIX))
        for asked, descriptors in sockets
        if asked.startswith(PASSED_PREFIX)
        for fd in descriptors
    ]


@record(frozen=True)
class Resolved:
    """addresses: what to listen on.  unused: sockets that were passed and that nobody asked for."""

    addresses: list[Address]
    unused: list[PassedAddress]


def resolve(
    bind: Sequence[Address], sockets: Sequence[PassedAddress], *, is_default: bool
) -> Resolved:
    """Return what `bind` means beside the sockets that were passed.

    is_default: nobody has set `bind`.  Then the sockets are all there is.  `systemd:NAME` stands
    for those of that name, `systemd:` for all.  When no address says systemd, all of them are
    listened on besides the addresses, and an address that is one of them is not opened twice.
    Raises ConfigError for a name that no socket has.
    """
    if sockets and is_default:
        return Resolved(list(sockets), [])
    asked_for = any(isinstance(address, PassedAddress) for address in bind)
    chosen: list[Address] = [] if asked_for else list(sockets)
    there = {_name_of(one.fd): one for one in sockets} if sockets else {}
    for address in bind:
        if isinstance(address, PassedAddress):
            chosen += [one for one in _named(address.name, sockets) if one not in chosen]
        elif (one := there.get(_key(address))) is None:
            chosen.append(address)
        elif one not in chosen:
            chosen.append(one)
    return Resolved(chosen, [one for one in sockets if one not in chosen])


def shown(listener: Listener) -> str:
    """Return the address, and for a socket that we did not open what is behind it."""
    if isinstance(listener.address, TcpAddress | UnixAddress):
        return str(listener.address)
    name = listener.sock.getsockname()
    if listener.sock.family == socket.AF_UNIX:
        real: Address = UnixAddress(os.fsdecode(name))
    else:
        real = TcpAddress(name[0], name[1])
    return f"{listener.address} = {real}"


def _named(name: str, sockets: Sequence[PassedAddress]) -> list[PassedAddress]:
    found = [one for one in sockets if name in ("", one.name)]
    if found:
        return found
    if not sockets:
        raise ConfigError(
            f"bind: systemd:{name}: no sockets were passed (LISTEN_FDS); start the .socket unit, "
            "or write HOST:PORT"
        )
    names = ", ".join(sorted({one.name for one in sockets}))
    raise ConfigError(f"bind: systemd:{name}: no socket of that name was passed; there is: {names}")


def _name_of(fd: int) -> object:
    """Return what getsockname(2) says, comparable with `_key`."""
    try:
        with socket.socket(fileno=os.dup(fd)) as sock:
            name = sock.getsockname()
    except OSError:
        return None  # no socket: adopting it will tell
    return name[:2] if isinstance(name, tuple) else os.fsdecode(name)


def _key(address: Address) -> object:
    if isinstance(address, TcpAddress):
        return address.host, address.port
    return address.path if isinstance(address, UnixAddress) else address
