"""Where logs and metrics are sent: the grammar of `syslog_addr` and `statsd_host`.

Runs in: both
"""

from __future__ import annotations

import re
from typing import Final, Literal

from fastfork.records import record

__all__ = ["FACILITIES", "SYSLOG_PORT", "Sink", "parse_statsd", "parse_syslog"]

SYSLOG_PORT: Final = 514  # RFC 5426 section 3.3
STATSD_PORT: Final = 8125

# RFC 5424 section 6.2.1; `security` is the old name of auth.
FACILITIES: Final[dict[str, int]] = {
    "kern": 0,
    "user": 1,
    "mail": 2,
    "daemon": 3,
    "auth": 4,
    "security": 4,
    "syslog": 5,
    "lpr": 6,
    "news": 7,
    "uucp": 8,
    "cron": 9,
    "authpriv": 10,
    "ftp": 11,
    **{f"local{number}": 16 + number for number in range(8)},
}

# unix(7): a path in sockaddr_un ends within 108 bytes.
LONGEST_PATH: Final = 107

_HOST_PORT = r"(?:\[([0-9a-fA-F:.%a-zA-Z]+)\]|([^\s:/\[\]#]*))(?::([0-9]{1,5}))?\Z"

Transport = Literal["udp", "tcp", "dgram", "stream", "unix"]


@record(frozen=True)
class Sink:
    """Where to send to.

    transport: udp or tcp (host and port count); dgram, stream or unix (path counts; unix is
    dgram where that is possible, else stream).
    """

    transport: Transport
    host: str = ""
    port: int = 0
    path: str = ""


def parse_syslog(text: str) -> Sink:
    """`udp://HOST[:PORT]`, `tcp://HOST[:PORT]`, `unix://PATH[#dgram|#stream]`.

    Raises ValueError, whose text says what to write instead.
    """
    scheme, found, rest = text.partition("://")
    if found and scheme == "unix":
        path, _, kind = rest.partition("#")
        if kind not in ("", "dgram", "stream"):
            raise ValueError("write #dgram or #stream after the path, or nothing")
        return _unix({"dgram": "dgram", "stream": "stream"}.get(kind, "unix"), path)
    if not found or scheme not in ("udp", "tcp"):
        raise ValueError("write udp://HOST:514, tcp://HOST:514 or unix:///dev/log")
    host, port = _host_port(rest, SYSLOG_PORT)
    return Sink("tcp" if scheme == "tcp" else "udp", host or "localhost", port)


def parse_statsd(text: str) -> Sink:
    """`HOST[:PORT]` or `unix://PATH`.  Raises ValueError, whose text says what to write."""
    if text.startswith("unix://"):
        return _unix("dgram", text.removeprefix("unix://"))
    host, port = _host_port(text.removeprefix("udp://"), STATSD_PORT)
    if not host:
        raise ValueError("write HOST:8125 or unix:///path/of/socket")
    return Sink("udp", host, port)


def _unix(transport: str, path: str) -> Sink:
    if not path.startswith("/") or len(path.encode()) > LONGEST_PATH:
        raise ValueError(f"write a full path of at most {LONGEST_PATH} bytes after unix://")
    kinds: dict[str, Transport] = {"dgram": "dgram", "stream": "stream"}
    return Sink(kinds.get(transport, "unix"), path=path)


def _host_port(text: str, port: int) -> tuple[str, int]:
    match = re.match(_HOST_PORT, text)
    if match is None:
        raise ValueError("write HOST:PORT, an IPv6 address in brackets")
    number = int(match[3]) if match[3] else port
    if not 0 < number < 65536:
        raise ValueError("write a port from 1 to 65535")
    return (match[1] or match[2] or "").lower(), number
