"""The WebSocket client of the tests refuses what RFC 6455 does not allow a server to send."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.kit.client import RawClient
from tests.kit.response import ProtocolViolation, Response, ResponseReader
from tests.kit.websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    Frame,
    WebSocket,
    close_payload,
    frame,
    frame_head,
    handshake,
)

ACCEPTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
)


def client_of(data: bytes) -> RawClient:
    """A client to whom these bytes come, in pieces of seven."""
    pieces: Iterator[bytes] = iter([data[at : at + 7] for at in range(0, len(data), 7)])
    reader = ResponseReader(lambda: next(pieces, b""))
    fake = SimpleNamespace(send=lambda *_: None, read_response=reader.read, read_bytes=reader.take)
    return cast("RawClient", fake)


def opened(data: bytes, extensions: str = "") -> WebSocket:
    fields = [("Sec-WebSocket-Extensions", extensions)] if extensions else []
    return WebSocket(client_of(data), Response(101, "", fields))


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_frame_of_any_length_is_read(size: int) -> None:
    payload = bytes(size)
    assert opened(frame(BINARY, payload, masked=0)).read() == Frame(BINARY, payload)


def test_payload_is_masked() -> None:
    head = frame_head(TEXT, 5)
    assert frame(TEXT, b"Hello") == head + b"\x59\x47\x5f\x28\x7e"


def test_fragments_are_joined_and_pings_passed_over() -> None:
    pieces = [
        frame(PING, b"", masked=0),
        frame(TEXT, b"a", fin=0, masked=0),
        frame(PING, b"", masked=0),
        frame(CONTINUATION, b"b", masked=0),
    ]
    assert opened(b"".join(pieces)).message() == Frame(TEXT, b"ab")


def test_close_is_told_with_code_and_reason() -> None:
    assert opened(frame(CLOSE, close_payload(4000, "é"), masked=0)).closed() == (4000, "é")
    assert opened(frame(CLOSE, masked=0)).closed() == (1005, "")


@pytest.mark.parametrize(
    "data",
    [
        frame(TEXT, b"a"),
        frame(TEXT, b"a", rsv=4, masked=0),
        frame(PING, bytes(126), masked=0),
        frame(PING, fin=0, masked=0),
    ],
)
def test_frame_that_no_server_may_send_fails(data: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        opened(data).read()


def test_compressed_frame_is_for_who_has_agreed() -> None:
    data = frame(TEXT, b"a", rsv=4, masked=0)
    assert opened(data, "permessage-deflate").read() == Frame(TEXT, b"a", is_compressed=True)
    with pytest.raises(ProtocolViolation):
        opened(frame(TEXT, b"a", rsv=2, masked=0), "permessage-deflate").read()


def shake(answer: bytes, *fields: tuple[str, str]) -> WebSocket:
    return WebSocket.open(client_of(answer + b"\r\n"), "/", fields)


def test_handshake_is_the_one_of_the_rfc() -> None:
    assert shake(ACCEPTED).response.status == 101
    lines = handshake("/chat", [("Origin", "x")], leave_out=["Host"]).split(b"\r\n")
    assert lines[0] == b"GET /chat HTTP/1.1"
    assert b"Origin: x" in lines
    assert not [line for line in lines if line.startswith(b"Host")]


@pytest.mark.parametrize(
    "answer",
    [
        ACCEPTED.replace(b"101", b"200"),
        ACCEPTED.replace(b"s3pP", b"s3pQ"),
        ACCEPTED.replace(b"Upgrade: websocket\r\n", b""),
        ACCEPTED + b"Sec-WebSocket-Extensions: permessage-deflate\r\n",
    ],
)
def test_handshake_that_is_not_as_asked_fails(answer: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        shake(answer)


def test_extension_that_was_offered_may_be_chosen() -> None:
    offer: tuple[Any, ...] = (("Sec-WebSocket-Extensions", "permessage-deflate"),)
    answer = ACCEPTED + b"Sec-WebSocket-Extensions: permessage-deflate; a=b\r\n"
    assert shake(answer, *offer).extensions == "permessage-deflate; a=b"
