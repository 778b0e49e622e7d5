"""What logs and metrics are sent to: sockets on this machine that keep what comes.

Runs in: cli
"""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

from tests.kit.waiting import wait_until


class Receiver:
    """A socket of one kind; `messages` is what came, a datagram or a line each."""

    def __init__(self, kind: socket.SocketKind, path: Path | None = None) -> None:
        self._kind = kind
        self._path = path
        self._connections: list[socket.socket] = []
        self._partial = b""
        self.messages: list[str] = []
        family = socket.AF_INET if path is None else socket.AF_UNIX
        self._sock = socket.socket(family, kind)
        self._sock.bind(("127.0.0.1", 0) if path is None else str(path))
        self._sock.setblocking(False)
        if kind == socket.SOCK_STREAM:
            self._sock.listen()

    @property
    def place(self) -> str:
        """HOST:PORT, or the path."""
        if self._path is not None:
            return str(self._path)
        host, port = self._sock.getsockname()
        return f"{host}:{port}"

    def take(self) -> list[str]:
        """All messages so far."""
        with suppress(BlockingIOError):
            while self._kind == socket.SOCK_STREAM:
                connection, _ = self._sock.accept()
                connection.setblocking(False)
                self._connections.append(connection)
        for one in [self._sock] if self._kind == socket.SOCK_DGRAM else self._connections:
            with suppress(BlockingIOError):
                while data := one.recv(65536):
                    self._keep(data)
        return self.messages

    def _keep(self, data: bytes) -> None:
        if self._kind == socket.SOCK_DGRAM:
            self.messages.append(data.decode())
            return
        *lines, self._partial = (self._partial + data).split(b"\n")
        self.messages += [line.decode() for line in lines]

    def wait_for(self, text: str) -> str:
        """Wait for a message with this text in it.  Returns the first."""

        def found() -> str:
            return next((message for message in self.take() if text in message), "")

        return wait_until(found, f"a message with {text!r}; there are {self.messages}")

    def close(self) -> None:
        """Close all."""
        for one in (*self._connections, self._sock):
            one.close()
