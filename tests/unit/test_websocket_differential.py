"""The codec beside other implementations: what websockets sends it reads, what it sends websockets
and wsproto read, and of any bytes all three say the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.extensions.permessage_deflate import PerMessageDeflate as TheirDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.utilities import RemoteProtocolError

from fastfork._core.http.websocket import WebSocketCodec
from fastfork._core.http.wsdeflate import negotiate
from tests.kit.frames import client_frame, server_frames

MAX = 1 << 20
MESSAGES = st.one_of(st.text(max_size=300), st.binary(max_size=300), st.just("x" * 70_000))
WINDOWS = st.lists(st.integers(1, 40), max_size=20)


def pieces(data: bytes, sizes: Iterable[int]) -> Iterable[bytes]:
    """Of these sizes, then the rest."""
    for size in sizes:
        yield data[:size]
        data = data[size:]
    yield data


def taken(codec: WebSocketCodec) -> Iterable[str | bytes]:
    while (message := codec.take()) is not None:
        codec.go_on()
        yield message


def websockets_peer(side: Side, extensions: list[Any] | None = None) -> Protocol:
    """Behind the handshake."""
    peer = Protocol(side, max_size=MAX)
    peer.extensions = extensions or []
    return peer


@given(messages=st.lists(MESSAGES, max_size=8), cuts=WINDOWS, fragments=st.booleans())
def test_what_websockets_sends_is_read(
    messages: list[str | bytes], cuts: list[int], fragments: bool
) -> None:
    client = websockets_peer(Side.CLIENT)
    for message in messages:
        data = message.encode() if isinstance(message, str) else message
        send = client.send_text if isinstance(message, str) else client.send_binary
        if fragments:
            send(data[:100], fin=False)
            client.send_continuation(data[100:200], fin=False)
            client.send_continuation(data[200:], fin=True)
        else:
            send(data)
    codec = WebSocketCodec(max_message=MAX)
    read: list[str | bytes] = []
    for piece in pieces(b"".join(client.data_to_send()), cuts):
        codec.receive_bytes(piece)
        read.extend(taken(codec))
    assert read == messages
    assert not codec.is_done


@given(messages=st.lists(MESSAGES, max_size=8))
def test_what_is_sent_websockets_and_wsproto_read(messages: list[str | bytes]) -> None:
    codec = WebSocketCodec(max_message=MAX)
    sent = b"".join(map(codec.frame, messages))
    sent += codec.ping() + (codec.close(4321, "enough") or b"")
    client = websockets_peer(Side.CLIENT)
    client.receive_data(sent)
    *frames, ping, close = client.events_received()
    assert [
        bytes(frame.data).decode() if frame.opcode is Opcode.TEXT else bytes(frame.data)
        for frame in frames
    ] == messages
    assert (ping.opcode, close.opcode) == (Opcode.PING, Opcode.CLOSE)
    assert (client.close_rcvd.code, client.close_rcvd.reason) == (4321, "enough")

    other = Connection(ConnectionType.CLIENT)
    other.receive_data(sent)
    *events, pinged, closed = list(other.events())
    assert joined(events) == messages
    assert isinstance(pinged, Ping)
    assert isinstance(closed, CloseConnection)
    assert (closed.code, closed.reason) == (4321, "enough")


def joined(events: Iterable[Any]) -> list[str | bytes]:
    """Messages of wsproto, which hands on what it has of them."""
    found: list[Any] = []
    whole = True
    for event in events:
        if not isinstance(event, TextMessage | BytesMessage):
            continue
        part = event.data if isinstance(event, TextMessage) else bytes(event.data)
        if whole:
            found.append(part)
        else:
            found[-1] += part
        whole = event.message_finished
    return found if whole else found[:-1]


OFFERS = [
    {},
    {"client_max_window_bits": True},
    {"client_max_window_bits": 10, "server_max_window_bits": 10},
    {"client_no_context_takeover": True, "server_no_context_takeover": True},
]


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("takeover", [True, False])
def test_compression_is_negotiated_and_spoken_with_websockets(
    offer: dict[str, Any], takeover: bool
) -> None:
    factory = ClientPerMessageDeflateFactory(**offer)
    parameters = "".join(
        f"; {name}" if value is None else f"; {name}={value}"
        for name, value in factory.get_request_params()
    )
    agreed = negotiate(f"permessage-deflate{parameters}", takeover=takeover)
    assert agreed is not None
    answer = [
        (name, value or None)
        for name, _, value in (part.strip().partition("=") for part in agreed[0].split(";")[1:])
    ]
    theirs = factory.process_response_params(answer, [])
    assert isinstance(theirs, TheirDeflate)
    client = websockets_peer(Side.CLIENT, [theirs])
    codec = WebSocketCodec(max_message=MAX, deflate=agreed[1])
    for size in (0, 10, 1024, 3000, 100_000, 3000, 10, 1024):
        text = ("the quick brown fox é " * (size // 20 + 1))[:size]
        client.send_text(text.encode())
        codec.receive_bytes(b"".join(client.data_to_send()))
        assert codec.take() == text
        client.receive_data(codec.text(text))
        [frame] = client.events_received()
        assert bytes(frame.data).decode() == text


# Any bytes.

FRAMES = st.builds(
    client_frame,
    st.sampled_from([0, 0, 1, 1, 2, 8, 9, 10, 3, 11]),
    st.one_of(
        st.sampled_from([b"", b"a", "é€".encode(), b"\xc3", b"\xa9", b"\xff", b"x" * 126]),
        st.sampled_from([b"\x03\xe8", b"\x03\xe8ok", b"\x03", b"\x03\xed", b"\x0f\xa0\xff"]),
        st.binary(max_size=140),
    ),
    fin=st.sampled_from([True, True, False]),
    rsv=st.sampled_from([0, 0, 0, 0, 0, 0, 0, 1, 2, 4]),
)
STREAMS = st.lists(FRAMES, max_size=8).map(b"".join)


def outcome(codec: WebSocketCodec, data: bytes, cuts: list[int]) -> tuple[list[Any], bytes, int]:
    """Messages, payloads of pongs, and the close code: 0 while it is open."""
    read: list[Any] = []
    pongs = b""
    for piece in pieces(data, cuts):
        codec.receive_bytes(piece)
        read.extend(taken(codec))
        pongs += b"".join(frame.payload for frame in server_frames(codec.take_reply()))
    return read, pongs, codec.closed_code if codec.is_done else 0


@settings(max_examples=500)
@given(data=STREAMS, cuts=WINDOWS, limit=st.sampled_from([1, 2, 32]))
def test_outcome_does_not_depend_on_the_cuts_or_the_queue(
    data: bytes, cuts: list[int], limit: int
) -> None:
    whole = outcome(WebSocketCodec(max_message=200), data, [])
    cut = outcome(WebSocketCodec(max_message=200, max_queue=limit), data, cuts)
    assert cut == whole


DEFLATED = st.builds(
    client_frame,
    st.sampled_from([1, 2, 2, 0, 9]),
    st.one_of(
        st.sampled_from(["f248cdc9c90700", "f200110000", "f348cdc9c9070000", "00"]).map(
            bytes.fromhex
        ),
        st.binary(max_size=40),
    ),
    fin=st.sampled_from([True, True, False]),
    rsv=st.sampled_from([4, 4, 0]),
)


@settings(max_examples=500)
@given(
    data=st.one_of(st.binary(max_size=100), st.lists(DEFLATED, max_size=6).map(b"".join)),
    cuts=WINDOWS,
    takeover=st.booleans(),
)
def test_bytes_are_messages_or_a_refusal_and_nothing_else(
    data: bytes, cuts: list[int], takeover: bool
) -> None:
    deflate = (12, 12, takeover, takeover)
    whole = outcome(WebSocketCodec(max_message=200, deflate=deflate), data, [])
    cut = outcome(WebSocketCodec(max_message=200, max_queue=1, deflate=deflate), data, cuts)
    assert cut == whole


@settings(max_examples=500)
@given(data=STREAMS)
def test_websockets_says_the_same_of_any_frames(data: bytes) -> None:
    server = websockets_peer(Side.SERVER)
    server.receive_data(data)
    read: list[Any] = []
    message, kind = b"", Opcode.TEXT
    code = 0
    for frame in server.events_received():
        assert isinstance(frame, Frame)
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            message, kind = b"", frame.opcode
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            message += bytes(frame.data)
            if frame.fin and kind is Opcode.TEXT:
                try:
                    read.append(message.decode())
                except UnicodeDecodeError:  # it leaves that to whoever asks for the text
                    code = 1007
                    break
            elif frame.fin:
                read.append(message)
    ours, _, ended = outcome(WebSocketCodec(max_message=MAX), data, [])
    if code == 0 and ended != 1007:  # nor does it look at text that is not complete
        sent = server.close_sent.code if server.close_sent else 0
        if server.close_rcvd is not None:
            sent = server.close_rcvd.code
        # Of a close frame with two faults they name the other one.
        assert sent == ended or {sent, ended} == {1002, 1007}
    assert ours == read[: len(ours)]
    assert len(ours) == len(read) or ended == 1007


@settings(max_examples=500)
@given(data=STREAMS)
def test_wsproto_says_the_same_of_any_frames(data: bytes) -> None:
    server = Connection(ConnectionType.SERVER)
    events: list[Any] = []
    code = 0
    try:
        server.receive_data(data)
        for event in server.events():
            events.append(event)
            if isinstance(event, CloseConnection):
                code = int(event.code)
                break
    except RemoteProtocolError as error:
        code = int(error.event_hint.code) if error.event_hint else 1002
    ours, _, ended = outcome(WebSocketCodec(max_message=MAX), data, [])
    theirs = joined(events)
    assert ours == theirs[: len(ours)]
    assert ended == code
