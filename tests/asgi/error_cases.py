"""What the server makes of applications that do what they must not.

Runs in: cli
"""

from __future__ import annotations

from tests.asgi.case import Group
from tests.asgi.stage import Stage, value_of
from tests.kit.client import RawClient
from tests.kit.response import ConnectionEnded, ServerReset

group = Group("errors")
rule, wish = group.rule, group.wish


def is_cut(client: RawClient) -> bytes:
    """What came of an answer that must not look complete; the connection is at its end."""
    try:
        response = client.read_response()
    except (ConnectionEnded, ServerReset):
        return client.read_to_end()
    raise AssertionError(f"it looks complete: {response.raw[:300]!r}")


def serves_on(stage: Stage) -> None:
    assert stage.value("quick") == "quick"


def refused(stage: Stage, scene: str) -> None:
    """Play it, and see that send() raised; what became of the answer does not matter."""
    other = stage.afresh()
    other.send(scene)
    assert other.told("raised_by_send")["raised_by_send"], f"send() took {scene}"


@rule
def unknown_message_is_refused(stage: Stage) -> None:
    """asgi: If a server receives an invalid event dictionary - for example, having an unknown
    `type` - it should raise an exception out of the `send` awaitable back to the application."""
    refused(stage, "refused_message?unknown-type")
    refused(stage, "refused_message?websocket-message")


@rule
def message_without_its_keys_is_refused(stage: Stage) -> None:
    """asgi: missing keys an event type should have: it should raise an exception out of the `send`
    awaitable."""
    refused(stage, "refused_message?no-type")
    refused(stage, "refused_message?no-status")


@rule
def status_of_a_wrong_type_is_refused(stage: Stage) -> None:
    """asgi: with wrong Python types for objects: it should raise an exception out of the `send`
    awaitable."""
    refused(stage, "refused_message?status-of-str")


@rule
def headers_of_wrong_types_are_refused(stage: Stage) -> None:
    """asgi: with wrong Python types for objects (e.g. Unicode strings for HTTP headers): it should
    raise an exception out of the `send` awaitable."""
    refused(stage, "refused_message?header-of-str")
    refused(stage, "refused_message?header-value-of-int")
    refused(stage, "refused_message?header-of-three")


@rule
def body_of_a_wrong_type_is_refused(stage: Stage) -> None:
    """asgi: with wrong Python types for objects: it should raise an exception."""
    refused(stage, "refused_body")


@wish
def body_before_the_start_is_refused(stage: Stage) -> None:
    """www: Response Start: Needs to be followed by at least one response content message, so
    that it is the first."""
    refused(stage, "body_first")


@wish
def second_start_is_refused(stage: Stage) -> None:
    """www: Response Start: Sent by the application to start sending a response to the client, once
    (gunicorn takes two)."""
    response = stage.ask("start_twice")
    assert response.status == 200
    assert stage.told()["raised_by_send"], "send() took it"


@wish
def answer_may_follow_what_was_refused(stage: Stage) -> None:
    """asgi: it should raise an exception out of the `send` awaitable back to the application, which
    may answer with a page of its own then."""
    scenes = ["body_first", *(f"refused_message?{name}" for name in ("unknown-type", "no-type"))]
    scenes += [f"refused_message?{name}" for name in ("no-status", "status-of-str")]
    scenes += [f"refused_message?header-{name}" for name in ("of-str", "value-of-int", "of-three")]
    for scene in scenes:
        assert stage.value(scene) == "answered", scene


@group.own_rule
def bytes_that_would_be_another_header_do_not_get_out(stage: Stage) -> None:
    """RFC 9110 section 5.5: Field values containing CR, LF, or NUL characters are invalid and
    dangerous; who has received them MUST reject the message, or replace each of them."""
    for name in ("value-crlf", "value-lf", "name-crlf"):
        answer = raw_answer(stage, f"injection?{name}")
        assert b"\nx-evil" not in answer.lower(), name
    serves_on(stage)


@group.own_rule
def bytes_that_no_header_may_have_do_not_get_out(stage: Stage) -> None:
    """RFC 9110 section 5.1 and 5.5: a field name is a token, a value has no NUL."""
    for name in ("value-nul", "name-space", "name-empty"):
        answer = raw_answer(stage, f"injection?{name}").lower()
        assert b"\0" not in answer, name
        assert b"x-evil :" not in answer, name
        assert b"\n:" not in answer, name
    serves_on(stage)


def raw_answer(stage: Stage, scene: str) -> bytes:
    client = stage.send(scene, "Connection: close", "TE: trailers")
    return client.read_to_end()


@group.own_rule
def bytes_that_would_be_another_trailer_do_not_get_out(stage: Stage) -> None:
    """RFC 9110 section 5.5: Field values containing CR, LF, or NUL characters are invalid and
    dangerous; a trailer is a field."""
    stage.needs("http.response.trailers", "TE: trailers")
    assert b"\nx-evil" not in raw_answer(stage, "bad_trailers").lower()
    assert stage.told("tried")
    serves_on(stage)


@group.own_rule
def bytes_that_would_be_another_hint_do_not_get_out(stage: Stage) -> None:
    """RFC 9110 section 5.5: Field values containing CR, LF, or NUL characters are invalid and
    dangerous; a link is the value of a field."""
    stage.needs("http.response.early_hint")
    assert b"\nx-evil" not in raw_answer(stage, "bad_hints").lower()
    assert stage.told("tried")
    serves_on(stage)


@rule
def bytes_that_are_no_request_hurt_nobody_else(stage: Stage) -> None:
    """RFC 9112 section 2.2: the server SHOULD respond with a 400 (Bad Request) response and close
    the connection (hypercorn 225, 329: one client stopped the server)."""
    waiting = stage.send("held")
    stage.told("waits")
    for data in (
        b"\x16\x03\x01\x02\0\x01\0\xfc",
        b"\0" * 100,
        b"GET\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\n",
    ):
        client = stage.connect()
        client.send(data)
        client.half_close()
        client.read_to_end()
    stage.cue()
    assert value_of(waiting.read_response()) == "held"


@rule
def no_answer_at_all_is_500(stage: Stage) -> None:
    """asgi: servers must terminate the application instance and its associated connection; RFC 9110
    section 15.6.1: 500.  daphne leaves the client waiting."""
    assert stage.ask("no_answer").status == 500
    serves_on(stage)


@rule
def start_without_a_body_is_no_answer(stage: Stage) -> None:
    """www: Response Start: Needs to be followed by at least one response content message."""
    client = stage.send("start_alone")
    client.wait_for_answer_or_end()
    if b" 500 " not in client.peek().partition(b"\r\n")[0]:
        is_cut(client)
    serves_on(stage)


@rule
def exception_before_the_start_is_500(stage: Stage) -> None:
    """asgi: Servers are free to surface errors that bubble up, but they must terminate the
    application instance and its associated connection."""
    assert stage.ask("raise_first").status == 500
    stage.wait_for_log("of the scene raise_first")
    serves_on(stage)


@rule
def exception_before_the_body_is_500_or_an_end(stage: Stage) -> None:
    """www: servers need not flush the start; this may give them more leeway to replace the
    response with an error response."""
    client = stage.send("raise_after_start")
    client.wait_for_answer_or_end()
    if b" 500 " not in client.peek().partition(b"\r\n")[0]:
        is_cut(client)
    stage.wait_for_log("of the scene raise_after_start")
    serves_on(stage)


@rule
def application_that_cancels_itself_hurts_nobody(stage: Stage) -> None:
    """asgi: they must terminate the application instance and its associated connection."""
    client = stage.send("cancel_itself")
    client.wait_for_answer_or_end()
    assert client.peek()[:12] in (b"", b"HTTP/1.1 500"), client.peek()
    serves_on(stage)


def stopped_halfway(stage: Stage, how: str) -> bytes:
    client = stage.send(f"stop_halfway?{how}")
    client.wait_for(b"half of it")
    stage.cue()
    return is_cut(client)


@rule
def exception_in_a_chunked_body_cuts_it(stage: Stage) -> None:
    """RFC 9112 section 8: A message body that uses the chunked transfer coding is incomplete if the
    zero-sized chunk has not been received; else the client takes half for the whole."""
    assert not stopped_halfway(stage, "chunks-raise").endswith(b"0\r\n\r\n")
    stage.wait_for_log("of the scene stop_halfway")


@rule
def exception_in_a_body_of_known_length_cuts_it(stage: Stage) -> None:
    """RFC 9112 section 8: incomplete if the size of the message body received (in octets) is less
    than the value given by Content-Length."""
    stopped_halfway(stage, "length-raise")


@rule
def return_in_a_chunked_body_cuts_it(stage: Stage) -> None:
    """www: `more_body` -- Signifies if there is additional content to come, and none came."""
    assert not stopped_halfway(stage, "chunks-return").endswith(b"0\r\n\r\n")


@rule
def return_in_a_body_of_known_length_cuts_it(stage: Stage) -> None:
    """RFC 9112 section 8: incomplete; the connection must not be used for another answer."""
    stopped_halfway(stage, "length-return")


@rule
def more_than_the_content_length_does_not_get_out(stage: Stage) -> None:
    """RFC 9110 section 8.6: a sender MUST NOT forward a message with a Content-Length that is known
    to be incorrect: what is beyond would be taken for the next answer."""
    client = stage.send("too_much", "Connection: close")
    assert client.read_to_end().partition(b"\r\n\r\n")[2] in (b"four", b"")
    serves_on(stage)


@rule
def less_than_the_content_length_ends_the_connection(stage: Stage) -> None:
    """RFC 9110 section 8.6: a Content-Length that is known to be incorrect: the next answer would
    be taken for the rest."""
    client = stage.send("too_little")
    client.send(stage.head("quick"))
    is_cut(client)


@rule
def exception_behind_the_answer_leaves_the_answer(stage: Stage) -> None:
    """www: If `more_body` is False, this will complete the response."""
    client = stage.send("raise_behind")
    assert value_of(client.read_response()) == "answered"
    stage.wait_for_log("of the scene raise_behind")
    serves_on(stage)
