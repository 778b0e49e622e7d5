"""The system log: messages sent without waiting for it.

A message is `<PRI>gunicorn.NAME.error: [PID] TEXT` (RFC 3164 without time and host, which the
receiver adds), as gunicorn's; a datagram each, and on a stream a line each (RFC 6587 section
3.4.2).

Runs in: both
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from fastfork import clock, unpatched
from fastfork.config.kinds.sinks import FACILITIES, Sink, parse_syslog

from .escaping import escape_controls
from .formatters import unmade
from .guard import must_pass
from .serverlogger import OurHandler

if TYPE_CHECKING:
    from fastfork.config import Config

__all__ = ["SyslogHandler", "SyslogLines", "SyslogSocket"]

# RFC 5424 section 6.2.1.
_SEVERITIES: Final = (
    (logging.CRITICAL, 2),
    (logging.ERROR, 3),
    (logging.WARNING, 4),
    (logging.INFO, 6),
)
DEBUG: Final = 7
INFO: Final = 6

# Larger datagrams would be cut by most receivers (RFC 5424 section 6.1 asks them for 2048).
LONGEST_MESSAGE: Final = 8192

# A stream may keep us waiting for this long, to connect and to take a message.
CONNECT_SECONDS = 0.2
SEND_SECONDS = 0.1
# Who does not listen, or takes nothing, is tried again only after so many seconds: a system log
# that hangs holds a worker up for 6 % of the time at most.
RETRY_SECONDS = 5.0


class SyslogSocket:
    """The connection of this process to the system log.

    lost: messages that it did not take, since somebody last asked.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._socket: socket.socket | None = None
        self._is_stream = False
        self._owner = 0
        self._retry_at = float("-inf")
        self.lost = 0

    def send(self, messages: Sequence[bytes]) -> None:
        """Send each message.  Never raises, and never waits for longer than a moment."""
        if self._owner != os.getpid():
            self._begin_anew()
        messages = [message[:LONGEST_MESSAGE] for message in messages]
        with self._lock:
            left = self._send(messages)
            if left and self._socket is None:
                # Whoever was there may have been restarted: once more on a new connection.
                left = self._send(left)
            self.lost += len(left)

    def close(self) -> None:
        """Let the connection go; the next message makes another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _begin_anew(self) -> None:
        """Begin anew after a fork: a stream that two share would mix their lines."""
        self._owner = os.getpid()
        # Several threads log, and a signal handler may in the middle of it.
        self._lock = threading.RLock()
        self._retry_at = float("-inf")
        if self._is_stream:
            self.close()

    def _send(self, messages: Sequence[bytes]) -> Sequence[bytes]:
        """Send; returns those that were not taken."""
        connection = self._connected()
        if connection is None:
            return messages
        done = 0
        try:
            if self._is_stream:
                connection.sendall(b"".join([message + b"\n" for message in messages]))
                return ()
            for message in messages:
                connection.send(message, socket.MSG_DONTWAIT)
                done += 1
        except BlockingIOError:
            pass  # its buffer is full, and so it is for the others
        except TimeoutError:
            self.close()
            self._retry_at = clock.now() + RETRY_SECONDS
        except OSError:
            # Also after a part of a message: the rest would begin in the middle of a line.
            self.close()
        return messages[done:]

    def _connected(self) -> socket.socket | None:
        if self._socket is None and clock.now() >= self._retry_at:
            try:
                self._socket = self._connect()
            except OSError:
                self._retry_at = clock.now() + RETRY_SECONDS
        return self._socket

    def _connect(self) -> socket.socket:
        """Raises OSError."""
        sink = self._sink
        if sink.transport in ("udp", "tcp"):
            kind = socket.SOCK_DGRAM if sink.transport == "udp" else socket.SOCK_STREAM
            family, where = unpatched.getaddrinfo(sink.host, sink.port, kind)
            return self._open(family, kind, where)
        kinds = {"dgram": (socket.SOCK_DGRAM,), "stream": (socket.SOCK_STREAM,)}
        tried = kinds.get(sink.transport, (socket.SOCK_DGRAM, socket.SOCK_STREAM))
        for kind in tried[:-1]:
            try:
                return self._open(socket.AF_UNIX, kind, sink.path)
            except OSError:
                continue  # EPROTOTYPE: it is of the other kind
        return self._open(socket.AF_UNIX, tried[-1], sink.path)

    def _open(self, family: int, kind: int, where: object) -> socket.socket:
        made = unpatched.make_socket(family, kind)
        try:
            made.settimeout(CONNECT_SECONDS)
            made.connect(where)  # type: ignore[arg-type]
            made.settimeout(SEND_SECONDS)
        except OSError:
            made.close()
            raise
        self._is_stream = kind == socket.SOCK_STREAM
        return made


_sockets: dict[Sink, SyslogSocket] = {}


def _socket_to(sink: Sink) -> SyslogSocket:
    """Return the one of this process for both logs.  Closed by one of them, it opens again."""
    return _sockets.setdefault(sink, SyslogSocket(sink))


class _Channel:
    """Messages of one of the two logs: the beginning of each, and where they go."""

    def __init__(self, cfg: Config, name: str) -> None:
        prefix = cfg.syslog_prefix or (cfg.proc_name or cfg.wsgi_app or "").replace(":", ".")
        self._facility = FACILITIES[cfg.syslog_facility] * 8
        self._begin = f"gunicorn.{prefix}.{name}: "
        self.socket = _socket_to(parse_syslog(cfg.syslog_addr))

    def message(self, severity: int, text: str) -> bytes:
        """Return the message as it is sent."""
        line = f"<{self._facility + severity}>{self._begin}{text}"
        return line.encode("utf-8", "backslashreplace")


class SyslogHandler(OurHandler):
    """Sends records to the system log; lines of a traceback are joined by ` | `.

    name: `error` or `access`.  formatter: of the text after the name.
    """

    def __init__(self, cfg: Config, name: str, formatter: logging.Formatter | None = None) -> None:
        super().__init__()
        self._channel = _Channel(cfg, name)
        self.setFormatter(formatter or logging.Formatter("[%(process)d] %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record, and how many before it were lost."""
        try:
            text = self.format(record)
        except BaseException as error:
            if must_pass(error):
                raise
            text = f"[{os.getpid()}] {unmade(record, error)}"
        text = escape_controls(text).replace("\n", " | ")
        channel = self._channel
        lost = channel.socket.lost
        channel.socket.send([channel.message(_severity(record.levelno), text)])
        if lost and channel.socket.lost == lost:
            channel.socket.lost = 0
            told = f"[{os.getpid()}] {lost} message(s) were lost: nobody took them"
            channel.socket.send([channel.message(_severity(logging.WARNING), told)])

    def dispose(self) -> None:
        """Close the socket."""
        self._channel.socket.close()
        super().dispose()


class SyslogLines:
    """Sends the lines of the access log."""

    def __init__(self, cfg: Config) -> None:
        self._channel = _Channel(cfg, "access")

    def write(self, lines: Iterable[str]) -> int:
        """Send a message a line.  Returns how many were lost since the last call."""
        channel = self._channel
        begin = channel.message(INFO, f"[{os.getpid()}] ")
        channel.socket.send([begin + line.encode("utf-8", "backslashreplace") for line in lines])
        lost, channel.socket.lost = channel.socket.lost, 0
        return lost


def _severity(level: int) -> int:
    return next((number for least, number in _SEVERITIES if level >= least), DEBUG)
