"""What the soak test sends: a table of workloads and their shares of a million.

Runs in: cli
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from benchmarks.apps.plain import HELLO
from benchmarks.kit.heads import BROWSER, ECHO, PLAIN, Request
from benchmarks.soak.app import BLOCKS, FILE_BYTES

MILLION = 1_000_000
_HOST = "127.0.0.1"
_CLOSE = (("Connection", "close"),)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One workload.

    request: its bytes.  status, length: of the answer; length counts the body, None = whatever
    the page has.  mode, connections, depth: see soak.c.  share: requests of each million.
    """

    name: str
    request: bytes
    share: int
    status: int = 200
    length: int | None = len(HELLO)
    mode: str = "keep"
    connections: int = 32
    depth: int = 1


def _wire(target: str = "/", **more: object) -> bytes:
    return Request(target=target, **more).wire(_HOST)  # type: ignore[arg-type]


def _chunked(size: int, piece: int) -> bytes:
    head = f"POST /echo HTTP/1.1\r\nHost: {_HOST}\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = [b"%x\r\n%s\r\n" % (piece, b"c" * piece)] * (size // piece)
    return head.encode() + b"".join(chunks) + b"0\r\n\r\n"


_BAD = {
    "two spaces": b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "smuggling": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bare LF": b"GET / HTTP/1.1\nHost: h\n\n",
    "bad chunk": b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
}
_LONG = b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 9000 + b"\r\n\r\n"

MIX: Final = (
    Part(name="keep-alive plain", request=PLAIN.wire(_HOST), share=544_400),
    Part(name="pipelined by 16", request=PLAIN.wire(_HOST), share=250_000, depth=16),
    Part(name="browser heads", request=BROWSER.wire(_HOST), share=120_000),
    Part(
        name="small POST",
        request=_wire("/echo", method="POST", body=b"a=1&b=2"),
        share=50_000,
        length=7,
    ),
    Part(name="POST of 64 KiB", request=ECHO.wire(_HOST), share=4_000, length=len(ECHO.body)),
    Part(name="chunked upload", request=_chunked(20_000, 1000), share=5_000, length=20_000),
    Part(
        name="spooled upload",
        request=_wire("/echo", method="POST", body=b"spooled\n" * 150_000),
        share=100,
        length=1_200_000,
        connections=4,
    ),
    Part(name="file", request=_wire("/file"), share=5_000, length=FILE_BYTES),
    Part(name="stream", request=_wire("/stream"), share=10_000, length=sum(map(len, BLOCKS))),
    Part(name="write()", request=_wire("/write"), share=2_000, length=2 * len(HELLO)),
    Part(name="HEAD", request=_wire(method="HEAD"), share=2_000, length=0),
    Part(name="HEAD of a stream", request=_wire("/stream", method="HEAD"), share=500, length=0),
    Part(name="a connection a request", request=_wire(fields=_CLOSE), share=5_000, mode="close"),
    Part(
        name="HTTP/1.0",
        request=_wire("/stream").replace(b"1.1", b"1.0"),
        share=500,
        mode="close",
        length=sum(map(len, BLOCKS)),
    ),
    Part(name="half-closed", request=_wire(), share=400, mode="half"),
    Part(name="reset in a GET", request=BROWSER.wire(_HOST), share=500, mode="reset"),
    Part(name="reset in an upload", request=ECHO.wire(_HOST)[:3000], share=200, mode="reset"),
    *(
        Part(name=name, request=data, share=50, status=400, length=None, mode="close")
        for name, data in _BAD.items()
    ),
    Part(name="field too long", request=_LONG, share=50, status=431, length=None, mode="close"),
    Part(
        name="error of the app",
        request=_wire("/fail"),
        share=100,
        status=500,
        length=None,
        mode="close",
    ),
)

# A handshake, "Hello" (RFC 6455 section 5.7), a close frame with 1000, each masked.
_WEBSOCKET = (
    b"GET /socket HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    + bytes.fromhex("818537fa213d7f9f4d5158")
    + bytes.fromhex("888237fa213d3412")
)
MIX_OF_ASGI: Final = (
    *MIX,
    Part(
        name="WebSocket",
        request=_WEBSOCKET,
        share=10_000,
        status=101,
        length=None,
        mode="close",
    ),
)
