"""The WebSocket part: the handshake, messages, and the ends.

Runs in: cli
"""

from __future__ import annotations

import select
from typing import Any

from tests.asgi.case import Group, NotOffered
from tests.asgi.stage import Stage, value_of
from tests.kit.response import Response
from tests.kit.websocket import WebSocket, handshake

group = Group("websocket")
rule, wish = group.rule, group.wish
DENIAL = "websocket.http.response"


def shake(stage: Stage, scene: str, **more: Any) -> Response:
    """The server's answer to a handshake."""
    client = stage.connect()
    client.send(handshake(f"/{scene}", [("X-Case", stage.case)], **more))
    return client.read_response()


def scope_of(stage: Stage, target: str, *fields: tuple[str, str]) -> dict[str, Any]:
    stage.websocket(target, *fields)
    found: dict[str, Any] = stage.told("scope")
    return found


# -- the scope


@rule
def scope_says_websocket(stage: Stage) -> None:
    """www: `type` -- "websocket".  `http_version` -- One of "1.1" or "2".  `scheme` -- default is
    "ws"."""
    found = scope_of(stage, "ws_scope")["scope"]
    assert (found["type"], found["class"]) == ("websocket", "dict")
    assert found.get("http_version", "1.1") == "1.1"
    assert found.get("scheme", "ws") == "ws"
    assert found["asgi"]["version"] == "3.0"


@rule
def scope_has_path_query_and_peers(stage: Stage) -> None:
    """www: `path`, `raw_path`, `query_string`, `client`, `server` as those of HTTP."""
    found = scope_of(stage, "ws_scope/caf%C3%A9?a=%20")["scope"]
    assert found["path"] == "/ws_scope/café"
    assert found.get("raw_path", b"/ws_scope/caf%C3%A9") == b"/ws_scope/caf%C3%A9"
    assert found["query_string"] == b"a=%20"
    assert [type(part) for part in found["client"]] == [str, int]
    assert found["server"] == stage.endpoint


@rule
def scope_has_the_headers(stage: Stage) -> None:
    """www: `headers` -- Order should be preserved; duplicates must be preserved; the Origin is the
    application's to judge."""
    found = scope_of(stage, "ws_scope", ("Origin", "http://other"), ("Cookie", "a=b"))["scope"]
    headers = {name.lower(): value for name, value in found["headers"]}
    assert (headers[b"origin"], headers[b"cookie"]) == (b"http://other", b"a=b")
    assert headers[b"sec-websocket-version"] == b"13"


@rule
def scope_has_the_subprotocols(stage: Stage) -> None:
    """www: `subprotocols` (Iterable[Unicode string]) -- Subprotocols the client advertised."""
    found = scope_of(stage, "ws_scope", ("Sec-WebSocket-Protocol", "one, two,three"))["scope"]
    assert list(found["subprotocols"]) == ["one", "two", "three"]


@rule
def subprotocols_are_empty_without_any(stage: Stage) -> None:
    """www: `subprotocols` Optional; if missing defaults to empty list."""
    assert list(scope_of(stage, "ws_scope")["scope"].get("subprotocols", [])) == []


@rule
def first_event_is_connect(stage: Stage) -> None:
    """www: Connect: Sent to the application when the client initially opens a connection and is
    about to finish the WebSocket handshake."""
    assert scope_of(stage, "ws_scope")["first"]["type"] == "websocket.connect"


@rule
def state_is_a_copy(stage: Stage) -> None:
    """www: `state` -- A copy of the namespace passed into the lifespan corresponding to this
    request."""
    for _ in range(2):
        assert stage.websocket("ws_state").message().payload == b"2"


# -- the handshake


@rule
def handshake_waits_for_the_application(stage: Stage) -> None:
    """www: The protocol server must send this message during the handshake phase of the WebSocket
    and not complete the handshake until it gets a reply."""
    client = stage.connect()
    client.send(handshake("/ws_later", [("X-Case", stage.case)]))
    stage.told("connected")
    assert not select.select([client.sock], [], [], 0)[0]
    stage.cue()
    WebSocket.opened(client)


@rule
def accept_chooses_the_subprotocol(stage: Stage) -> None:
    """www: `subprotocol` (Unicode string) -- The subprotocol the server wishes to accept."""
    opened = stage.websocket("ws_accept", ("Sec-WebSocket-Protocol", "one, two"))
    assert opened.response.get("sec-websocket-protocol") == "two"


@rule
def accept_has_headers_of_any_iterable(stage: Stage) -> None:
    """www: `headers` (Iterable[[byte string, byte string]]) Order must be preserved in the HTTP
    response."""
    opened = stage.websocket("ws_accept", ("Sec-WebSocket-Protocol", "one, two"))
    assert (opened.response.get("x-one"), opened.response.get("set-cookie")) == ("1", "a=b")


@rule
def close_before_accept_is_403(stage: Stage) -> None:
    """www: If this is sent before the socket is accepted, the server must close the connection
    with a HTTP 403 error code (Forbidden), and not complete the WebSocket handshake."""
    assert shake(stage, "ws_deny").status == 403


@rule
def denial_is_the_applications_answer(stage: Stage) -> None:
    """extensions: websocket.http.response: this extension allows an ASGI framework to control the
    denial response."""
    if DENIAL not in scope_of(stage, "ws_scope")["scope"]["extensions"]:
        raise NotOffered(f"no {DENIAL} in scope['extensions']")
    response = shake(stage, "ws_deny_with_an_answer")
    assert (response.status, response.body, response.get("x-one")) == (401, b"notyou", "1")


@rule
def return_before_accept_ends_the_handshake(stage: Stage) -> None:
    """www: if the application dies the socket should be closed, and vice-versa; RFC 6455 section
    4.2.2: the server answers with an HTTP status that is not 101."""
    assert shake(stage, "ws_leave_first").status >= 400


@rule
def exception_before_accept_ends_the_handshake(stage: Stage) -> None:
    """www: if the application dies the socket should be closed."""
    assert shake(stage, "ws_raise_first").status >= 400
    stage.wait_for_log("of the scene ws_raise_first")


@wish
def exception_before_accept_is_500(stage: Stage) -> None:
    """RFC 9110 section 15.6.1: the server encountered an unexpected condition (granian: 403)."""
    assert shake(stage, "ws_raise_first").status == 500


@rule
def handshake_without_a_key_is_no_websocket(stage: Stage) -> None:
    """RFC 6455 section 4.2.1: the server MUST stop processing the client's handshake and return an
    HTTP response with an appropriate error code (such as 400 Bad Request)."""
    assert 400 <= shake(stage, "ws_scope", leave_out=("Sec-WebSocket-Key",)).status < 500


@rule
def handshake_of_another_version_is_refused(stage: Stage) -> None:
    """RFC 6455 section 4.2.2: If this version does not match a version understood by the server,
    the server MUST abort the handshake, and send an appropriate HTTP error code (such as 426)."""
    client = stage.connect()
    fields = [("X-Case", stage.case), ("Sec-WebSocket-Version", "8")]
    client.send(handshake("/ws_scope", fields))
    assert 400 <= client.read_response().status < 500


@rule
def upgrade_may_be_one_of_many_tokens(stage: Stage) -> None:
    """RFC 6455 section 4.2.1: a |Connection| header field that includes the token "Upgrade",
    treated as an ASCII case-insensitive value (Firefox sends keep-alive beside it)."""
    stage.websocket("ws_held", ("Connection", "keep-alive, uPgRaDe"), ("Upgrade", "WebSocket"))


@rule
def client_that_leaves_before_accept_is_a_disconnect(stage: Stage) -> None:
    """www: Disconnect: Sent to the application when either connection to the client is lost
    (granian 591: RuntimeError)."""
    client = stage.connect()
    client.send(handshake("/ws_gone_first", [("X-Case", stage.case)]))
    stage.told("connected")
    client.close()
    assert stage.told("heard")["heard"]["type"] == "websocket.disconnect"


def accepted_badly(stage: Stage, how: str) -> bytes:
    """All that the server says when the application accepts so."""
    other = stage.afresh()
    client = other.connect()
    client.send(handshake(f"/ws_bad_accept?{how}", [("X-Case", other.case)]))
    client.wait_for_answer_or_end()
    other.told("ended")
    client.half_close()
    return client.read_to_end().lower()


@group.own_rule
def bytes_that_would_be_another_header_do_not_get_out(stage: Stage) -> None:
    """RFC 9110 section 5.5: Field values containing CR, LF, or NUL characters are invalid and
    dangerous (daphne 4.2.2 mended this for the answer to an upgrade)."""
    for how in ("header", "name", "protocol"):
        assert b"\nx-evil" not in accepted_badly(stage, how), how


@wish
def subprotocol_that_was_not_offered_is_not_chosen(stage: Stage) -> None:
    """RFC 6455 section 4.2.2: The value chosen MUST be derived from the client's handshake; the
    client must fail the connection else."""
    assert b"x-evil" not in accepted_badly(stage, "not-offered")


# -- beside others


@rule
def websocket_that_is_open_holds_up_nobody(stage: Stage) -> None:
    """asgi: All this happening in an asynchronous event loop."""
    opened = [stage.websocket("ws_held") for _ in range(20)]
    assert stage.value("quick") == "quick"
    for websocket in opened:
        websocket.client.close()
    assert stage.told("heard")["heard"]["type"] == "websocket.disconnect"


@wish
def upgrade_to_something_else_is_ignored(stage: Stage) -> None:
    """RFC 9110 section 7.8: A server MAY ignore a received Upgrade header field (hypercorn 317,
    32: h2c)."""
    upgrade = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
    client = stage.send("quick", *upgrade)
    assert value_of(client.read_response()) == "quick"


@rule
def send_waits_for_a_client_that_does_not_read(stage: Stage) -> None:
    """asgi: `send`: an awaitable callable that will return once the send has been completed
    (uvicorn 3048: 32 MiB of one client must not all be in memory)."""
    opened = stage.websocket("ws_flood")
    assert stage.told("waits")["waits"] is True
    for _ in range(512):
        assert len(opened.message().payload) == 65536
    assert opened.closed() == (1000, "")
