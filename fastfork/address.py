"""Addresses to listen on: what `bind` may say, as values.

Only the text is looked at here; nothing is resolved, opened or stated on disk.

Runs in: both
"""

from __future__ import annotations

import re
import socket

from fastfork.records import field, record

from .errors import BadAddress

__all__ = ["Access", "Address", "FdAddress", "PassedAddress", "TcpAddress", "UnixAddress", "parse"]

DEFAULT_PORT = 8000
ANY_IPV4 = "0.0.0.0"  # noqa: S104 - only when the user writes :PORT

# sun_path of unix(7) has 108 bytes, the last one for the NUL.
UNIX_PATH_BYTES = 107

# RFC 1123 section 2.1, and the underscore that container networks put into names.
_HOST_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?\Z"
MOST_DIGITS = 9
_SCHEME = r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)\Z"


@record(frozen=True)
class TcpAddress:
    """A host (name, IPv4 or bare IPv6 text, without brackets) and a port, 0 to 65535.

    Port 0 lets the kernel choose.
    """

    host: str
    port: int

    @property
    def is_ipv6(self) -> bool:
        """Whether the host is an IPv6 literal."""
        return ":" in self.host

    def __str__(self) -> str:
        host = f"[{self.host}]" if self.is_ipv6 else self.host
        return f"http://{host}:{self.port}"


@record(frozen=True)
class Access:
    """Permissions of a socket's file; uid, gid: its owner, -1 = whoever makes it."""

    mode: int = 0o777
    uid: int = -1
    gid: int = -1


@record(frozen=True)
class UnixAddress:
    """A unix socket: a path, or a name of the abstract space (unix(7)) after a leading NUL.

    access: for the file when it is made.  Two addresses of one path are the same address.
    """

    path: str
    access: Access = field(default=Access(), compare=False)

    @property
    def is_abstract(self) -> bool:
        """Whether there is no file to remove at the end."""
        return self.path.startswith("\0")

    def __str__(self) -> str:
        return f"unix:@{self.path[1:]}" if self.is_abstract else f"unix:{self.path}"


@record(frozen=True)
class FdAddress:
    """A listening socket that the parent process left open at this descriptor."""

    fd: int

    def __str__(self) -> str:
        return f"fd://{self.fd}"


@record(frozen=True)
class PassedAddress(FdAddress):
    """A socket that the service manager passed on, by its name; fd is -1 until it is looked up."""

    name: str

    def __str__(self) -> str:
        return f"systemd:{self.name}"


Address = TcpAddress | UnixAddress | FdAddress


def parse(text: str) -> Address:
    """Return the address that `text` names.

    HOST, HOST:PORT, :PORT (every IPv4 interface), [v6], [v6]:PORT, the same after tcp://,
    unix:PATH, unix://PATH, unix:@NAME (abstract), fd://N, systemd:NAME.  A missing port is 8000.
    Raises BadAddress with one line: the text, what is wrong, what to write.
    """
    given = text.strip()
    if given.startswith("unix:"):
        return _unix(text, given.removeprefix("unix:").removeprefix("//"))
    if given.startswith("fd:"):
        return _descriptor(text, given.removeprefix("fd:").removeprefix("//"))
    if given.startswith("systemd:"):
        return PassedAddress(-1, given.removeprefix("systemd:"))
    scheme = re.match(_SCHEME, given, re.DOTALL) if "://" in given else None
    if scheme is not None and scheme[1].lower() != "tcp":
        raise _bad(text, f"has the scheme {scheme[1]}://", f"write {_rest(scheme[2])}")
    return _tcp(text, scheme[2] if scheme is not None else given)


def _unix(text: str, path: str) -> UnixAddress:
    if path.startswith("@"):
        path = "\0" + path[1:]
    if not path.strip("\0"):
        raise _bad(text, "names no socket file", "write unix:/run/app.sock")
    if "\0" in path[1:]:
        raise _bad(text, "has a NUL byte in its path", "write unix:/run/app.sock")
    size = len(path.encode("utf-8", "surrogateescape"))
    if size > UNIX_PATH_BYTES:
        raise _bad(
            text,
            f"has a path of {size} bytes",
            f"write one of at most {UNIX_PATH_BYTES}, such as unix:/run/app.sock",
        )
    return UnixAddress(path)


def _descriptor(text: str, number: str) -> FdAddress:
    if not _is_number(number):
        raise _bad(text, "names no descriptor", "write fd:// and a number, such as fd://3")
    return FdAddress(int(number))


def _tcp(text: str, rest: str) -> TcpAddress:
    if "/" in rest:
        raise _bad(text, "has a path", f"write {_rest(rest)}, or unix:PATH for a unix socket")
    if rest.startswith("["):
        host, bracket, port = rest[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise _bad(text, "has an unfinished IPv6 host", f"write [::1]:{DEFAULT_PORT}")
        return TcpAddress(_ipv6(text, host), _port(text, port[1:] if port else None))
    if rest.count(":") > 1:
        raise _bad(text, "has more than one colon", f"write {_bracketed(rest)} for IPv6")
    if _is_number(rest):
        raise _bad(text, "is a port without a host", f"write 127.0.0.1:{rest} or {ANY_IPV4}:{rest}")
    name, colon, port = rest.partition(":")
    number = _port(text, port if colon else None)
    if not name and colon:
        return TcpAddress(ANY_IPV4, number)
    return TcpAddress(_host(text, name, number), number)


def _host(text: str, name: str, port: int) -> str:
    if name == "*":
        raise _bad(text, "has * for a host", f"write {ANY_IPV4}:{port}")
    if _is_ipv4(name):
        return name
    if not re.match(_HOST_NAME, name):
        raise _bad(text, "is no address", "write HOST:PORT, [v6]:PORT, unix:PATH or fd://N")
    if re.fullmatch(r"[0-9.]+", name):
        raise _bad(text, "has a broken IPv4 host", f"write 127.0.0.1:{port}")
    return name.lower()


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS


def _is_ipv4(text: str) -> bool:
    """Return whether it is an IPv4 address: four numbers without leading zeros, as inet_pton(3) has
    it."""
    try:
        return bool(socket.inet_pton(socket.AF_INET, text))
    except (OSError, ValueError):
        return False


def _ipv6(text: str, host: str) -> str:
    import ipaddress  # here, and below: most servers listen on IPv4

    try:
        return str(ipaddress.IPv6Address(host))
    except ValueError:
        raise _bad(text, "has a broken IPv6 host", f"write [::1]:{DEFAULT_PORT}") from None


def _bracketed(rest: str) -> str:
    """Return an IPv6 host without brackets, as it was meant: a number at its end may be the
    port."""
    import ipaddress

    whole = f"[{rest}]:{DEFAULT_PORT}"
    host, _, port = rest.rpartition(":")
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return whole
    if not _is_number(port) or int(port) > 65535:
        return whole
    return f"[{host}]:{port} or {whole}"


def _port(text: str, port: str | None) -> int:
    if port is None:
        return DEFAULT_PORT
    if not _is_number(port) or int(port) > 65535:
        raise _bad(
            text,
            f"has the port {port!r}",
            f"write a number from 0 to 65535, such as {DEFAULT_PORT}",
        )
    return int(port)


def _rest(text: str) -> str:
    """Return what was probably meant once scheme and path are gone."""
    return text.partition("/")[0] or f"127.0.0.1:{DEFAULT_PORT}"


def _bad(text: str, problem: str, advice: str) -> BadAddress:
    return BadAddress(f"{text!r} {problem}; {advice}")
