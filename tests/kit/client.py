"""A client that sends exactly the bytes it is told and reads answers strictly.

Runs in: cli
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterable
from types import TracebackType

from tests.kit.response import (
    ConnectionEnded,
    ProtocolViolation,
    Response,
    ResponseReader,
    ServerReset,
)
from tests.kit.waiting import DEADLINE

Endpoint = tuple[str, int] | str  # (host, port), or the path of a unix socket


class RawClient:
    """One connection.  Every read and write has `timeout` seconds."""

    def __init__(self, endpoint: Endpoint, *, timeout: float = DEADLINE) -> None:
        if isinstance(endpoint, str):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(timeout)
            self.sock.connect(endpoint)
        else:
            self.sock = socket.create_connection(endpoint, timeout)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.timeout = timeout
        self.received = bytearray()
        self._reader = ResponseReader(self._more)

    def __enter__(self) -> RawClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def send(self, *pieces: bytes) -> None:
        """Send the pieces, each with a send(2) of its own."""
        for piece in pieces:
            self.sock.sendall(piece)

    def send_byte_by_byte(self, data: bytes) -> None:
        """Each byte in a send(2) of its own; with TCP_NODELAY mostly in a packet of its own."""
        self.send(*(data[index : index + 1] for index in range(len(data))))

    def send_request(
        self,
        method: str = "GET",
        target: str = "/",
        fields: Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
        *,
        version: str = "1.1",
    ) -> None:
        """Send a request with Host, `fields` in this order, and Content-Length for a `body`."""
        lines = [f"{method} {target} HTTP/{version}", "Host: test"]
        lines += [f"{name}: {value}" for name, value in fields]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b""))

    def read_response(self, method: str = "GET") -> Response:
        """The next answer, to a request of `method`.

        Raises ProtocolViolation for what HTTP/1.1 does not allow, ConnectionEnded when the
        server hung up, TimeoutError after `timeout` seconds without a byte.
        """
        return self._reader.read(method)

    def request(
        self,
        method: str = "GET",
        target: str = "/",
        fields: Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
    ) -> Response:
        """Send one request, read its answer."""
        self.send_request(method, target, fields, body)
        return self.read_response(method)

    def take_trailers(self) -> None:
        """Read answers that end with trailers; the requests must say `TE: trailers`."""
        self._reader.takes_trailers = True

    def wait_for(self, data: bytes) -> None:
        """Wait until these bytes have come, which are still there to be read as an answer."""
        self._reader.fill_until(data)

    def wait_for_answer_or_end(self) -> None:
        """Wait until the first line of an answer has come, or the end of the connection."""
        try:
            self._reader.fill_until(b"\r\n")
        except (ConnectionEnded, ServerReset):
            pass

    def peek(self) -> bytes:
        """What has come and was not read as an answer yet."""
        return self._reader.buffer

    def read_bytes(self, size: int) -> bytes:
        """The next `size` bytes, when the connection is not HTTP any more."""
        return self._reader.take(size)

    def read_to_end(self) -> bytes:
        """All that comes until the server closes, or resets."""
        pieces = [self._reader.take(len(self._reader.buffer))]
        try:
            while piece := self._more():
                pieces.append(piece)
        except ServerReset:
            pass
        return b"".join(pieces)

    def half_close(self) -> None:
        """Say that nothing more is sent; answers can still be read."""
        self.sock.shutdown(socket.SHUT_WR)

    def expect_end(self, timeout: float | None = None) -> None:
        """Assert that the server closes now and sends nothing before that."""
        if self._reader.buffer:
            raise ProtocolViolation(f"bytes after the answer: {self._reader.buffer[:200]!r}")
        self.sock.settimeout(self.timeout if timeout is None else timeout)
        extra = self._more()
        if extra:
            raise ProtocolViolation(f"bytes instead of the end: {extra[:200]!r}")

    def expect_silence(self, seconds: float) -> None:
        """Assert that nothing comes, not even the end, for `seconds`."""
        assert not self._reader.buffer, f"bytes after the answer: {self._reader.buffer[:200]!r}"
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                extra = self.sock.recv(65536)
            except TimeoutError:
                break
            raise ProtocolViolation(f"{extra[:200]!r} instead of silence")
        self.sock.settimeout(self.timeout)

    def reset(self) -> None:
        """Close with RST, as a client that crashed does."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Close.  May be called again."""
        self.sock.close()

    def _more(self) -> bytes:
        try:
            piece = self.sock.recv(262144)
        except ConnectionResetError as error:
            raise ServerReset("the server reset the connection") from error
        self.received += piece
        return piece
