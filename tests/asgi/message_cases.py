"""The WebSocket part: messages, and the ends of a connection.

Runs in: cli
"""

from __future__ import annotations

from tests.asgi.case import Group
from tests.asgi.stage import Stage
from tests.kit.response import ConnectionEnded, ServerReset
from tests.kit.websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    WebSocket,
    close_payload,
    frame,
    frame_head,
    handshake,
)  # fmt: skip

group = Group("messages")
rule, wish = group.rule, group.wish


@rule
def text_comes_and_goes_as_str(stage: Stage) -> None:
    """www: `text` (Unicode string) -- The message content, if it was text mode, or None.  Exactly
    one of `bytes` or `text` must be non-None (peregrine sent "né" as 6e e9)."""
    opened = stage.websocket("ws_echo")
    for text in ("plain", "né", "日本", "😀", ""):
        opened.send(TEXT, text.encode())
        assert opened.message() == Frame(TEXT, text.encode())
    opened.send(CLOSE, close_payload(1000))
    assert set(stage.told("heard")["kinds"]) == {("str", "NoneType")}


@rule
def bytes_come_and_go_as_bytes(stage: Stage) -> None:
    """www: `bytes` (byte string) -- The message content, if it was binary mode, or None."""
    opened = stage.websocket("ws_echo")
    for data in (b"\0\xff", b"", bytes(range(256)) * 4, bytes(70_000)):
        opened.send(BINARY, data)
        assert opened.message() == Frame(BINARY, data)
    opened.send(CLOSE, close_payload(1000))
    assert set(stage.told("heard")["kinds"]) == {("NoneType", "bytes")}


@rule
def fragments_are_one_message(stage: Stage) -> None:
    """www: WebSocket protocol servers should handle message fragmentation themselves, and deliver
    complete messages to the application."""
    opened = stage.websocket("ws_echo")
    whole = "aé€😀".encode()
    opened.send(TEXT, whole[:2], fin=False)  # in the middle of a character
    opened.send(CONTINUATION, whole[2:5], fin=False)
    opened.send(CONTINUATION, b"", fin=False)
    opened.send(CONTINUATION, whole[5:])
    assert opened.message() == Frame(TEXT, whole)


@rule
def ping_is_answered_by_the_server(stage: Stage) -> None:
    """www: WebSocket protocol servers should handle PING/PONG messages themselves; RFC 6455
    section 5.5.3: identical "Application data"."""
    opened = stage.websocket("ws_echo")
    opened.send(PING, b"hello")
    assert opened.read() == Frame(PONG, b"hello")
    opened.send(PONG, b"nobody asked")
    opened.send(TEXT, b"one", fin=False)
    opened.send(PING, b"between")
    assert opened.read() == Frame(PONG, b"between")
    opened.send(CONTINUATION, b" two")
    assert opened.message() == Frame(TEXT, b"one two")
    opened.send(CLOSE, close_payload(1000))
    assert len(stage.told("heard")["kinds"]) == 1


@rule
def messages_keep_their_order(stage: Stage) -> None:
    """RFC 6455 section 5.4: fragments and messages are delivered in the order they are sent."""
    opened = stage.websocket("ws_echo")
    opened.client.send(b"".join(frame(TEXT, b"%d" % number) for number in range(200)))
    assert [opened.message().payload for _ in range(200)] == [b"%d" % n for n in range(200)]


@rule
def messages_behind_the_handshake_are_not_lost(stage: Stage) -> None:
    """RFC 6455 section 4.1: a client waits for the answer, but its bytes may come together with
    what a proxy has kept."""
    opened = stage.websocket("ws_echo")
    opened.client.send_byte_by_byte(frame(TEXT, b"byte by byte"))
    assert opened.message() == Frame(TEXT, b"byte by byte")


# -- the client ends it


def ended_by_client(stage: Stage, payload: bytes) -> tuple[int, str, WebSocket]:
    opened = stage.websocket("ws_held")
    opened.send(CLOSE, payload)
    heard = stage.told("heard")["heard"]
    assert heard["type"] == "websocket.disconnect"
    return heard["code"], heard.get("reason") or "", opened


@rule
def close_of_the_client_is_told_with_its_code(stage: Stage) -> None:
    """www: `code` (int) -- The WebSocket close code, as per the WebSocket spec."""
    assert ended_by_client(stage, close_payload(1000))[0] == 1000


@rule
def close_of_the_client_with_a_code_of_its_own(stage: Stage) -> None:
    """www: `code` (int) -- The WebSocket close code, as per the WebSocket spec."""
    assert ended_by_client(stage, close_payload(4321))[0] == 4321


@wish
def close_of_the_client_is_told_with_its_reason(stage: Stage) -> None:
    """www 2.5: `reason` -- A reason given for the disconnect, can be any string.  Optional
    (uvicorn 1344, 1816)."""
    assert ended_by_client(stage, close_payload(4000, "fin é"))[:2] == (4000, "fin é")


@rule
def close_of_the_client_without_a_code_is_1005(stage: Stage) -> None:
    """www: If no code was received in the frame from the client, the server should set this to
    1005."""
    assert ended_by_client(stage, b"")[0] == 1005


@rule
def close_of_the_client_is_answered(stage: Stage) -> None:
    """RFC 6455 section 5.5.1: If an endpoint receives a Close frame and did not previously send a
    Close frame, the endpoint MUST send a Close frame in response."""
    _, _, opened = ended_by_client(stage, close_payload(1000, "bye"))
    assert opened.closed()[0] == 1000
    opened.client.expect_end()


@wish
def connection_that_is_lost_is_1006(stage: Stage) -> None:
    """RFC 6455 section 7.1.5: If _The WebSocket Connection is Closed_ and no Close control frame
    was received by the endpoint, _The WebSocket Connection Close Code_ is considered to be 1006."""
    stage.websocket("ws_held").client.close()
    heard = stage.told("heard")["heard"]
    assert (heard["type"], heard["code"]) == ("websocket.disconnect", 1006)


@rule
def connection_that_is_lost_is_a_disconnect(stage: Stage) -> None:
    """www: Disconnect: when either connection to the client is lost, or loss of the socket."""
    stage.websocket("ws_held").client.reset()
    heard = stage.told("heard")["heard"]
    assert (heard["type"], type(heard["code"])) == ("websocket.disconnect", int)


@wish
def disconnect_is_told_each_time(stage: Stage) -> None:
    """www, of HTTP: receive after the connection has been closed; several parts of an application
    may listen."""
    stage.websocket("ws_again").send(CLOSE, close_payload(1000))
    assert stage.told()["heard"] == ["websocket.disconnect"] * 3


@wish
def send_to_who_has_left_raises_an_os_error(stage: Stage) -> None:
    """www: If `send()` is called on a closed connection the server should raise a server-specific
    subclass of `OSError`."""
    stage.websocket("ws_late").send(CLOSE, close_payload(1000))
    late = stage.told("late")["late"]
    assert "OSError" in late
    assert late[0] != "OSError"


@rule
def os_error_of_send_is_not_logged(stage: Stage) -> None:
    """www: Servers must be prepared to catch this exception if they raised it and should not log
    it as an error in their server logs."""
    stage.websocket("ws_late?raise").send(CLOSE, close_payload(1000))
    stage.told("ended")
    assert stage.value("quick") == "quick"
    assert "Traceback" not in stage.log()


# -- the application ends it


@rule
def close_without_a_code_is_1000(stage: Stage) -> None:
    """www: the server must close the socket with the close code passed in the message (or 1000 if
    none is specified)."""
    opened = stage.websocket("ws_close")
    assert opened.closed() == (1000, "")


@rule
def close_has_the_code_and_the_reason(stage: Stage) -> None:
    """www: `code` -- The WebSocket close code.  `reason` -- A reason given for the closure, can be
    any string."""
    opened = stage.websocket("ws_close?4001")
    assert opened.closed() == (4001, "the reason é")


@rule
def close_with_a_long_reason_is_a_frame_that_may_be(stage: Stage) -> None:
    """RFC 6455 section 5.5: All control frames MUST have a payload length of 125 bytes or less; the
    reason is UTF-8.  The application is told, or the reason is cut."""
    assert stage.websocket("ws_bad_close?4000-100").closed()[0] in (1000, 1011, 4000)


@rule
def close_with_a_code_that_no_frame_may_have(stage: Stage) -> None:
    """RFC 6455 section 7.4.1: 1005, 1006 and 1015 MUST NOT be set as a status code in a Close
    control frame by an endpoint; 7.4.2: 0-999 are not used."""
    for code in ("1005", "1006", "1015", "999", "5000"):
        opened = stage.websocket(f"ws_bad_close?{code}")
        try:
            payload = opened.message().payload
        except (ConnectionEnded, ServerReset):
            continue
        assert payload[:2] != int(code).to_bytes(2, "big"), code


@rule
def close_of_the_application_is_a_disconnect_too(stage: Stage) -> None:
    """www: Sent to the application when either connection to the client is lost, either from the
    client closing the connection, the server closing the connection, or loss of the socket."""
    opened = stage.websocket("ws_close?1000")
    opened.closed()
    opened.send(CLOSE, close_payload(1000))
    assert stage.told("heard")["heard"] == "websocket.disconnect"


@rule
def connection_ends_after_the_closing_handshake(stage: Stage) -> None:
    """RFC 6455 section 7.1.1: the server MUST close the TCP connection first."""
    opened = stage.websocket("ws_close?1000")
    opened.closed()
    opened.send(CLOSE, close_payload(1000))
    opened.client.expect_end()


@wish
def return_closes_with_a_close_frame(stage: Stage) -> None:
    """RFC 6455 section 7.1.2: To Start the WebSocket Closing Handshake, an endpoint MUST send a
    Close control frame (uvicorn 2769); www: if the application dies the socket should be closed."""
    assert stage.websocket("ws_leave").closed()[0] == 1000


@rule
def return_ends_the_connection(stage: Stage) -> None:
    """www: if the application dies the socket should be closed."""
    opened = stage.websocket("ws_leave")
    rest = opened.client.read_to_end() if opened.client.peek() == b"" else b""
    assert rest[:1] in (b"", b"\x88")


@wish
def exception_closes_with_1011(stage: Stage) -> None:
    """RFC 6455 section 7.4.1: 1011 indicates that a server is terminating the connection because it
    encountered an unexpected condition."""
    opened = stage.websocket("ws_raise")
    assert opened.closed()[0] == 1011
    stage.wait_for_log("of the scene ws_raise")


# -- what must not be


def refused(stage: Stage, scene: str) -> None:
    """Open it, and see that send() raised."""
    stage.websocket(scene)
    assert stage.told("raised_by_send")["raised_by_send"], f"send() took {scene}"


@wish
def message_before_accept_is_refused(stage: Stage) -> None:
    """www: Connect must be responded to with either an Accept message or a Close message."""
    client = stage.connect()
    client.send(handshake("/ws_early", [("X-Case", stage.case)]))
    assert stage.told("raised_by_send")["raised_by_send"]


@wish
def second_accept_is_refused(stage: Stage) -> None:
    """www: Accept: Sent by the application when it wishes to accept an incoming connection."""
    refused(stage, "ws_wrong?accept")


@rule
def message_of_an_unknown_type_is_refused(stage: Stage) -> None:
    """asgi: an invalid event dictionary - for example, having an unknown `type` - it should raise
    an exception out of the `send` awaitable."""
    refused(stage, "ws_wrong?unknown")


@rule
def message_of_http_is_refused(stage: Stage) -> None:
    """asgi: in messages, the `type` should be namespaced as `protocol.message_type`, where the
    `protocol` matches the scope type."""
    refused(stage, "ws_wrong?http")


@rule
def message_without_content_is_refused(stage: Stage) -> None:
    """www: Exactly one of `bytes` or `text` must be non-None."""
    refused(stage, "ws_wrong?neither")


@rule
def text_of_a_wrong_type_is_refused(stage: Stage) -> None:
    """asgi: with wrong Python types for objects - it should raise an exception."""
    refused(stage, "ws_wrong?text-of-int")


def fails(stage: Stage, data: bytes) -> int:
    """The code with which it ends when this comes, 0 for an end without a close frame."""
    opened = stage.websocket("ws_echo")
    opened.client.send(data)
    try:
        return opened.closed()[0]
    except (ConnectionEnded, ServerReset):
        return 0


NO_UTF_8 = frame(TEXT, b"\xce\xba\xed\xa0\x80")  # a surrogate
NOT_MASKED = frame(TEXT, b"a", masked=False)
RESERVED_BIT = frame(TEXT, b"a", rsv=1)
UNKNOWN_OPCODE = frame(3, b"a")
LONG_PING = frame(PING, bytes(126))
PIECE_OF_NOTHING = frame(CONTINUATION, b"a")
CUT_CHARACTER = frame(TEXT, b"\xe2\x82")


@rule
def text_that_is_no_utf_8_fails_the_connection(stage: Stage) -> None:
    """RFC 6455 section 8.1: that endpoint MUST _Fail the WebSocket Connection_."""
    fails(stage, NO_UTF_8)
    fails(stage, CUT_CHARACTER)


@wish
def text_that_is_no_utf_8_is_1007(stage: Stage) -> None:
    """RFC 6455 section 7.1.7: the endpoint SHOULD send a Close frame with an appropriate status
    code; 7.4.1: 1007."""
    assert (fails(stage, NO_UTF_8), fails(stage, CUT_CHARACTER)) == (1007, 1007)


@rule
def frame_that_must_not_be_fails_the_connection(stage: Stage) -> None:
    """RFC 6455 section 5.1: The server MUST close the connection upon receiving a frame that is not
    masked; 5.2: reserved bits, unknown opcodes: MUST _Fail the WebSocket Connection_."""
    for data in (NOT_MASKED, RESERVED_BIT, UNKNOWN_OPCODE):
        fails(stage, data)


@wish
def frame_that_must_not_be_is_1002(stage: Stage) -> None:
    """RFC 6455 section 7.4.1: 1002 indicates that an endpoint is terminating the connection due to
    a protocol error."""
    for data in (NOT_MASKED, RESERVED_BIT, UNKNOWN_OPCODE, LONG_PING, PIECE_OF_NOTHING):
        assert fails(stage, data) == 1002, data[:10]


@wish
def message_that_is_too_big_is_1009(stage: Stage) -> None:
    """RFC 6455 section 7.4.1: 1009 indicates a message that is too big for it to process; a GiB
    must not be waited for."""
    assert fails(stage, frame_head(BINARY, 1 << 30)) == 1009


@wish
def fragments_that_are_too_much_together_are_1009(stage: Stage) -> None:
    """RFC 6455 section 10.4: limits on the frame size and on the total message size after
    reassembly from multiple frames."""
    begin = frame(BINARY, b"a", fin=False)
    assert fails(stage, begin + frame_head(CONTINUATION, 1 << 30)) == 1009
