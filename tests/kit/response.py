"""A strict reader of HTTP/1.1 responses: what a careful client would refuse fails the test.

It asks for more bytes through a callable and touches no socket, so that it can be tested
and fed byte by byte.  Grammar: RFC 9112 sections 4 to 7.

Runs in: cli
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*)")
FIELD_LINE = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*((?:[\x21-\x7e\x80-\xff][\t\x20-\x7e\x80-\xff]*)?)"
)
CHUNK_LINE = re.compile(rb"[0-9a-fA-F]{1,16}")
ONCE = ("content-length", "transfer-encoding", "date", "server", "connection", "location")
MAX_HEAD = 1 << 20  # bytes; a head without an end fails instead of eating memory


class ProtocolViolation(AssertionError):
    """The server sent something that HTTP/1.1 does not allow."""


class ServerReset(ProtocolViolation):
    """The server reset the connection."""


class ConnectionEnded(ProtocolViolation):
    """The connection ended inside a response, or where one should begin."""


@dataclass
class Response:
    """One answer, and the bytes it was made of."""

    status: int
    reason: str
    fields: list[tuple[str, str]]
    framing: str = "none"  # none | length | chunked | close
    body: bytes = b""
    chunks: list[bytes] = field(default_factory=list)
    raw: bytes = b""
    interim: list[Response] = field(default_factory=list)
    trailers: list[tuple[str, str]] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        """Every value of the field `name`, in order."""
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        """The value of the field `name`; None when it is absent, AssertionError when repeated."""
        values = self.all(name)
        assert len(values) < 2, f"{name} is repeated: {values}"
        return values[0] if values else None

    @property
    def closes(self) -> bool:
        """Whether the server said that the connection ends after this answer."""
        return "close" in (self.get("connection") or "").lower().split(", ")

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.body.decode()


class ResponseReader:
    """Takes bytes from `more` and cuts them into responses; keeps what comes after one.

    more: returns the next bytes of the stream, b"" at its end; must have its own deadline.
    takes_trailers: the client has said `TE: trailers`, so that they are none of its complaints.
    """

    def __init__(self, more: Callable[[], bytes]) -> None:
        self._more = more
        self.takes_trailers = False
        self.buffer = b""
        self._taken: list[bytes] = []

    def read(self, method: str = "GET") -> Response:
        """The next final response to a request of `method`, with the 1xx ones before it."""
        interim: list[Response] = []
        while True:
            self._taken.clear()
            response = self._read_one(method)
            response.raw = b"".join(self._taken)
            if response.status >= 200 or response.status == 101:
                response.interim = interim
                return response
            interim.append(response)

    def _read_one(self, method: str) -> Response:
        first = self._line(at_start=True)
        matched = STATUS_LINE.fullmatch(first)
        if matched is None:
            raise ProtocolViolation(f"not a status line: {first[:200]!r}")
        response = Response(int(matched[1]), matched[2].decode("latin-1"), self._fields())
        for name in ONCE:
            if len(response.all(name)) > 1:
                raise ProtocolViolation(f"{name} is repeated: {response.all(name)}")
        self._read_body(response, method)
        return response

    def _fields(self) -> list[tuple[str, str]]:
        fields: list[tuple[str, str]] = []
        while line := self._line():
            matched = FIELD_LINE.fullmatch(line)
            if matched is None:
                raise ProtocolViolation(f"not a field line: {line[:200]!r}")
            name, value = (part.decode("latin-1") for part in matched.groups())
            fields.append((name, value.rstrip(" \t")))
        return fields

    def _read_body(self, response: Response, method: str) -> None:
        length, coding = response.get("content-length"), response.get("transfer-encoding")
        if length is not None and coding is not None:
            raise ProtocolViolation("Content-Length and Transfer-Encoding together")
        if length is not None and not re.fullmatch(r"[0-9]{1,18}", length):
            raise ProtocolViolation(f"Content-Length: {length!r}")
        if coding not in (None, "chunked"):
            raise ProtocolViolation(f"Transfer-Encoding: {coding!r}")
        if response.status < 200 or response.status == 204:
            if length is not None or coding is not None:
                raise ProtocolViolation(f"{response.status} with framing fields")
        elif method == "HEAD" or response.status == 304:
            pass  # the fields describe what a GET would bring; no body follows
        elif length is not None:
            response.framing, response.body = "length", self._exactly(int(length))
        elif coding is not None:
            response.framing, response.chunks = "chunked", self._chunks(response)
            response.body = b"".join(response.chunks)
        elif not response.closes:
            raise ProtocolViolation("a body of unknown length without Connection: close")
        else:
            response.framing, response.body = "close", self._to_end()

    def _chunks(self, response: Response) -> list[bytes]:
        chunks: list[bytes] = []
        while True:
            line = self._line()
            if not CHUNK_LINE.fullmatch(line):
                raise ProtocolViolation(f"not a chunk line: {line[:200]!r}")
            size = int(line, 16)
            if size == 0:
                response.trailers = self._fields()
                if response.trailers and not self.takes_trailers:
                    raise ProtocolViolation("a trailer that nobody asked for")
                return chunks
            chunks.append(self._exactly(size))
            if self._exactly(2) != b"\r\n":
                raise ProtocolViolation("no CRLF after the data of a chunk")

    def _line(self, *, at_start: bool = False) -> bytes:
        """The bytes before the next CRLF.  A bare CR or LF is refused."""
        while (end := self.buffer.find(b"\r\n")) < 0:
            if len(self.buffer) > MAX_HEAD:
                raise ProtocolViolation("a line without end")
            if not self._fill():
                where = "before a response" if at_start and not self.buffer else "in a line"
                raise ConnectionEnded(f"the connection ended {where}: {self.buffer[-200:]!r}")
        line = self._exactly(end + 2)[:-2]
        if b"\r" in line or b"\n" in line:
            raise ProtocolViolation(f"a bare CR or LF: {line[:200]!r}")
        return line

    def fill_until(self, wanted: bytes) -> None:
        """Read until `wanted` has come; nothing is taken."""
        while wanted not in self.buffer:
            if not self._fill():
                raise ConnectionEnded(f"{self.buffer[-200:]!r}, and no {wanted!r}")

    def take(self, size: int) -> bytes:
        """The next `size` bytes, of whatever they are."""
        return self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        """`size` bytes off the stream.  Pieces are joined once, so that 5 MiB stay quick."""
        pieces, have = [self.buffer], len(self.buffer)
        while have < size:
            piece = self._more()
            if not piece:
                raise ConnectionEnded(f"the connection ended {size - have} bytes too early")
            pieces.append(piece)
            have += len(piece)
        whole = b"".join(pieces)
        taken, self.buffer = whole[:size], whole[size:]
        self._taken.append(taken)
        return taken

    def _to_end(self) -> bytes:
        while self._fill():
            pass
        return self._exactly(len(self.buffer))

    def _fill(self) -> bool:
        piece = self._more()
        self.buffer += piece
        return bool(piece)
