"""What must hold for any bytes sent to a hub, in any packets, with any end.

- The application is asked what the parser reads, in order, once each, and nothing else.
- A client that reads to the end gets each answer, in order, by strict reading; then the
  refusal with the status that the parser says; then the end.
- A client that leaves in the middle changes nothing of that for the next ones.
- The log has no traceback but the application's own, and no unprintable byte.
- When all have left, no connection and no descriptor is.

Runs in: cli
"""

from __future__ import annotations

import socket
from typing import Final

from fastfork.http import RequestHead, make_head_parser
from tests.fuzz.answers import Application, Request, text_of, way_of
from tests.fuzz.inputs import Input, decode
from tests.kit.inproc import HubClient, Served
from tests.kit.response import ConnectionEnded, ProtocolViolation, Response, ResponseReader
from tests.wire.feeding import Outcome, connection_with, parser_settings, read_all

EXPECTED: Final = ("on purpose", "shorter than its", "Invalid request")
ACCESS: Final = '%(h)s %(l)s %(u)s "%(r)s" %(s)s %(b)s "%({user-agent}i)s"'
PLAIN: Final = b"GET /plain HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

# The bits of Input.manner.
HTTPTOOLS: Final = 1
SMALL_BUFFERS: Final = 2
OVER_TCP: Final = 4
LEAVES: Final = 8  # before the end, ...
BY_RESET: Final = 16
QUARTERS: Final = 32 + 64  # ... after so many quarters of its packets
HURRIES: Final = 128  # the hub gets one turn for a packet, not all it wants


def check(data: bytes) -> None:
    """Assert all of it for one input."""
    given = decode(data)
    app = Application()
    served = _serve(app, given)
    try:
        if given.manner & LEAVES:
            _leave(served, given)
            _check_asked(app.asked, _read(given, given.raw))
        for pieces in (given.pieces(), [given.raw], [PLAIN]):
            app.asked.clear()
            received = _everything(served, pieces, hurries=bool(given.manner & HURRIES))
            outcome = _read(given, b"".join(pieces))
            assert _check_answers(received, outcome) == len(app.asked)
            _check_asked(app.asked, outcome)
        _check_logs(served)
    finally:
        served.finish()


def _parser(given: Input) -> str:
    return "httptools" if given.manner & HTTPTOOLS else "native"


def _read(given: Input, raw: bytes) -> Outcome:
    """What the parser alone makes of these bytes."""
    parser = make_head_parser(_parser(given), **parser_settings(given.settings))
    return read_all(connection_with(parser), [raw])


def _serve(app: Application, given: Input) -> Served:
    return Served(
        app,
        parser=_parser(given),
        **parser_settings(given.settings),
        family=socket.AF_INET if given.manner & OVER_TCP else socket.AF_UNIX,
        small_buffers=bool(given.manner & SMALL_BUFFERS),
        spool_after=100,
        access=ACCESS,
    )


def _leave(served: Served, given: Input) -> None:
    """A client that goes away after some of its packets without reading."""
    client = served.connect()
    pieces = given.pieces()
    quarters = 1 + (given.manner & QUARTERS) // 32
    for piece in pieces[: len(pieces) * quarters // 4]:
        if not _send(client, piece):
            break
        served.turn()
    if given.manner & BY_RESET and given.manner & OVER_TCP:
        client.reset()
    else:
        client.close()
    served.turn_until(lambda: served.hub.connections.count == 0, "the one who left is gone")


def _send(client: HubClient, piece: bytes) -> bool:
    """False when there is nobody to send to, or no room for more."""
    try:
        return client.sock.send(piece, socket.MSG_DONTWAIT) == len(piece)
    except OSError:
        return False


def _everything(served: Served, pieces: list[bytes], *, hurries: bool) -> bytes:
    """All that a client gets which sends these, says that this was all, and reads on."""
    client = served.connect()
    received = b""
    for piece in pieces:
        while piece:
            try:
                piece = piece[client.sock.send(piece, socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                received += b"".join(client.packets())  # it answers before it reads on
            except (BrokenPipeError, ConnectionResetError):
                break  # it reads no more; what it said is there to be read
        served.turn() if hurries else served.settle()
    try:
        client.half_close()
    except OSError:
        pass  # the server was first
    try:
        while piece := client._more():
            received += piece
    except ProtocolViolation:
        pass  # a reset: what came before it is judged
    client.close()
    return received


def _check_answers(received: bytes, outcome: Outcome) -> int:
    """Are these the answers to what the parser read?  How many requests were answered."""
    reader = ResponseReader(lambda: b"")
    reader.buffer = received
    for number, (head, body) in enumerate(outcome.requests, 1):
        if not _check_answer(reader, head, _request(head, body)):
            assert not reader.buffer, f"after the last answer: {reader.buffer[:200]!r}"
            return number
    if outcome.status is not None:
        refusal = _read_refusal(reader)
        assert refusal.status == outcome.status
        assert refusal.closes
    elif not outcome.complete and reader.buffer:
        refusal = _read_refusal(reader)
        assert refusal.status == 400
        assert refusal.closes
    assert not reader.buffer, f"after the last answer: {reader.buffer[:200]!r}"
    return len(outcome.requests)


def _check_answer(reader: ResponseReader, head: RequestHead, request: Request) -> bool:
    """Is the next answer the one to this request?  Whether another one follows."""
    way = way_of(request)
    try:
        response = reader.read(request.method)
    except ConnectionEnded:
        assert way.breaks
        reader.buffer = b""
        return False
    assert response.status == way.status
    if way.breaks:
        assert response.framing == "close"
        return False
    if way.has_body:
        wanted = b"" if request.method == "HEAD" else text_of(request)
        assert response.body == wanted
    # An answer of unknown length to 1.0 ends with its connection.
    may_close = not head.keep_alive or way.status == 500 or head.version == (1, 0)
    assert may_close if response.closes else head.keep_alive
    return not response.closes


def _read_refusal(reader: ResponseReader) -> Response:
    """The error page, which the answer to a HEAD has left out."""
    kept = reader.buffer
    try:
        return reader.read()
    except ConnectionEnded:
        reader.buffer = kept
        return reader.read("HEAD")


def _request(head: RequestHead, body: bytes) -> Request:
    return Request(head.method, head.target.decode("latin-1"), head.path, head.query, body)


def _check_asked(asked: list[Request], outcome: Outcome) -> None:
    """Was the application asked nothing but what the parser read, and in that order?"""
    assert asked == [_request(*request) for request in outcome.requests][: len(asked)]


def _check_logs(served: Served) -> None:
    served.hub.flush_access_log()
    for line in (*served.access_lines, *(text for text in served.log if "\n" not in text)):
        assert line.isprintable(), line
        assert line.isascii(), line
    served.log[:] = [text for text in served.log if not any(word in text for word in EXPECTED)]
