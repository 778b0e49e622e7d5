"""What send() makes of answers that are as they should be.

Runs in: cli
"""

from __future__ import annotations

from tests.asgi.case import Group
from tests.asgi.stage import Stage, value_of
from tests.kit.response import ServerReset

group = Group("send")
rule, wish = group.rule, group.wish


@rule
def answer_has_status_headers_and_body(stage: Stage) -> None:
    """www: `status` (int) -- HTTP status code.  `headers` -- An iterable of [name, value]."""
    response = stage.ask("whole")
    assert (response.status, response.body, response.framing) == (200, b"whole", "length")
    assert response.get("x-one") == "1"


@rule
def answer_without_length_is_framed(stage: Stage) -> None:
    """www: a response that is given to the server with no `Content-Length` may be chunked as the
    server sees fit.  Concatenated onto any previous `body` values."""
    client = stage.send("without_length")
    response = client.read_response()
    assert response.body == b"one two"
    if not response.closes:
        client.send(stage.head("quick"))
        assert value_of(client.read_response()) == "quick"


@wish
def answer_without_length_keeps_the_connection(stage: Stage) -> None:
    """www: may opt to use `Transfer-Encoding: chunked`; a new connection costs the client more."""
    assert not stage.ask("without_length").closes


@rule
def keys_that_are_optional_may_be_missing(stage: Stage) -> None:
    """www: `headers` Optional; if missing defaults to an empty list.  `body`, `more_body`
    Optional."""
    response = stage.ask("least")
    assert (response.status, response.body) == (200, b"")


@rule
def additional_keys_do_no_harm(stage: Stage) -> None:
    """asgi: the presence of additional keys in the event dictionary should not raise an
    exception."""
    assert stage.ask("additional_keys").body == b"ok"


@rule
def pieces_leave_as_they_are_sent(stage: Stage) -> None:
    """www: Protocol servers must flush any data passed to them into the send buffer before
    returning from a send call."""
    client = stage.send("piece_by_piece")
    for name in ("first", "second", "third"):
        client.wait_for(name.encode())
        stage.cue(name)
    assert client.read_response().body == b"firstsecondthird"


@rule
def empty_pieces_do_not_end_the_body(stage: Stage) -> None:
    """www: `more_body` -- Signifies if there is additional content to come.  RFC 9112 section 7.1:
    an empty chunk would be the last."""
    assert stage.ask("empty_pieces").body == b"ab"


@rule
def headers_keep_number_and_order(stage: Stage) -> None:
    """www: Order must be preserved in the HTTP response.  The `Set-Cookie` header may appear
    repeatedly, but cannot be concatenated."""
    response = stage.ask("ordered_headers")
    own = [pair for pair in response.fields if pair[0].lower() in ("set-cookie", "x-a", "x-b")]
    assert [(name.lower(), value) for name, value in own] == [
        ("set-cookie", "a=1"), ("x-b", "2"), ("set-cookie", "c=3"), ("x-a", "caf\xe9"),
    ]  # fmt: skip


@rule
def headers_may_be_a_generator(stage: Stage) -> None:
    """www: `headers` (Iterable[[byte string, byte string]]) (gunicorn iterated twice)."""
    response = stage.ask("headers_of_a_generator")
    assert (response.get("x-one"), response.body) == ("1", b"gen")


@rule
def headers_may_be_iterables(stage: Stage) -> None:
    """www: An iterable of `[name, value]` two-item iterables."""
    response = stage.ask("headers_of_iterables")
    assert (response.get("x-one"), response.body) == ("1", b"itr")


@rule
def transfer_encoding_of_the_application_is_ignored(stage: Stage) -> None:
    """www: You may send a `Transfer-Encoding` header in this message, but the server must ignore
    it."""
    assert stage.ask("own_transfer_encoding").body == b"plain bytes"


@rule
def head_has_the_headers_and_no_body(stage: Stage) -> None:
    """RFC 9110 section 9.3.2: the server MUST NOT send content in the response."""
    client = stage.send("whole", method="HEAD")
    response = client.read_response("HEAD")
    assert response.get("content-length") == "5"
    client.send(stage.head("quick"))
    assert value_of(client.read_response()) == "quick"


@rule
def head_of_a_stream_has_no_body(stage: Stage) -> None:
    """RFC 9110 section 9.3.2: the server MUST NOT send content in the response."""
    client = stage.send("without_length", method="HEAD")
    response = client.read_response("HEAD")
    assert response.status == 200
    if not response.closes:
        client.send(stage.head("quick"))
        assert value_of(client.read_response()) == "quick"


@rule
def status_204_has_no_framing(stage: Stage) -> None:
    """RFC 9112 section 6: a server MUST NOT send a Transfer-Encoding header field in any response
    with a status code of 1xx or 204; RFC 9110 section 8.6: nor Content-Length."""
    client = stage.send("status?204")
    assert client.read_response().status == 204
    client.send(stage.head("quick"))
    assert value_of(client.read_response()) == "quick"


@rule
def status_304_has_no_body(stage: Stage) -> None:
    """RFC 9110 section 15.4.5: a 304 response is terminated by the end of the header section."""
    client = stage.send("not_modified")
    response = client.read_response()
    assert (response.status, response.get("etag")) == (304, '"a"')
    client.send(stage.head("quick"))
    assert value_of(client.read_response()) == "quick"


@rule
def any_status_can_be_sent(stage: Stage) -> None:
    """www: `status` (int) -- HTTP status code; RFC 9110 section 15: three digits."""
    for status in (201, 299, 404, 418, 451, 503, 599):
        assert stage.ask(f"status?{status}").status == status


@rule
def stream_to_http_1_0_is_not_chunked(stage: Stage) -> None:
    """RFC 9112 section 6.1: A server MUST NOT send a response containing Transfer-Encoding unless
    the corresponding request indicates HTTP/1.1."""
    client = stage.connect()
    client.send(stage.head("without_length", version="1.0"))
    head, _, body = client.read_to_end().partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert body == b"one two"


@rule
def what_follows_the_end_is_ignored(stage: Stage) -> None:
    """www: response will be taken as complete and closed, and any further messages on the channel
    will be ignored."""
    client = stage.send("after_the_last")
    assert value_of(client.read_response()) == "answered"
    assert stage.told("late")["late"] == []
    client.send(stage.head("quick"))
    assert value_of(client.read_response()) == "quick"


@rule
def send_waits_for_a_client_that_reads_slowly(stage: Stage) -> None:
    """asgi: `send`: an awaitable callable that will return once the send has been completed.  The
    32 MiB of one client must not all be in memory."""
    client = stage.send("to_who_does_not_read")
    assert stage.told("waits")["waits"] is True
    response = client.read_response()
    assert response.body == bytes(range(256)) * 256 * 512


@wish
def send_to_who_has_left_raises_an_os_error(stage: Stage) -> None:
    """www: If `send()` is called on a closed connection the server should raise a server-specific
    subclass of `OSError` (asgiref 66, 431)."""
    client = stage.send("to_who_has_left")
    stage.told("sent")
    client.reset()
    late = stage.told("late")["late"]
    assert "OSError" in late
    assert late[0] != "OSError"


@rule
def os_error_of_send_is_not_logged(stage: Stage) -> None:
    """www: Servers must be prepared to catch this exception if they raised it and should not log
    it as an error in their server logs (uvicorn 2271, granian 650)."""
    client = stage.send("to_who_has_left?raise")
    stage.told("sent")
    client.reset()
    stage.told("ended")
    assert stage.value("quick") == "quick"
    assert "Traceback" not in stage.log()


@wish
def stream_that_does_not_listen_ends_with_its_client(stage: Stage) -> None:
    """www: If `send()` is called on a closed connection the server should raise (falcon 2292: a
    stream that runs for nobody)."""
    client = stage.send("for_ever")
    client.wait_for(b"xxx")
    client.reset()
    told = stage.told("ended")
    assert "never_told" not in told
    assert "OSError" in told["raised"]


@rule
def trailers_follow_the_body(stage: Stage) -> None:
    """extensions: after the last `http.response.body` message, the ASGI framework will send a
    `http.response.trailers` message."""
    stage.needs("http.response.trailers", "TE: trailers")
    client = stage.send("trailers", "TE: trailers")
    client.take_trailers()
    response = client.read_response()
    assert (response.body, response.trailers) == (b"one two", [("x-sum", "42")])


@rule
def trailers_are_for_who_has_asked(stage: Stage) -> None:
    """extensions: The ASGI server will only send the trailing headers in case the client has sent
    the `TE: trailers` header in the request."""
    stage.needs("http.response.trailers", "TE: trailers")
    client = stage.send("trailers")
    response = client.read_response()
    assert (response.body, response.trailers) == (b"one two", [])
    client.send(stage.head("quick"))
    assert value_of(client.read_response()) == "quick"


@wish
def early_hints_come_before_the_answer(stage: Stage) -> None:
    """extensions: The ASGI server should then attempt to send an informational response to the
    client with the provided links as `Link` headers."""
    stage.needs("http.response.early_hint")
    response = stage.ask("early_hints")
    assert (response.status, response.body) == (200, b"ok")
    (hint,) = response.interim
    assert hint.status == 103
    assert ", ".join(hint.all("link")) == "</a.css>; rel=preload, </b.js>; rel=preload"


@rule
def early_hints_are_not_for_http_1_0(stage: Stage) -> None:
    """RFC 9110 section 15.2: a server MUST NOT send a 1xx response to an HTTP/1.0 client."""
    stage.needs("http.response.early_hint")
    client = stage.connect()
    client.send(stage.head("early_hints", version="1.0"))
    answer = client.read_to_end()
    assert b" 103 " not in answer
    assert answer.endswith(b"\r\n\r\nok")


@rule
def file_is_sent_by_its_path(stage: Stage) -> None:
    """asgiref, http.response.pathsend: the server sends the file at `path` as the body."""
    stage.needs("http.response.pathsend")
    client = stage.send("a_path")
    assert client.read_response().body == bytes(range(256)) * 256
    stage.cue()
    assert stage.told("ended").get("raised") is None


@rule
def file_sent_by_its_path_is_not_for_head(stage: Stage) -> None:
    """RFC 9110 section 9.3.2: the server MUST NOT send content in the response."""
    stage.needs("http.response.pathsend")
    client = stage.send("a_path", method="HEAD")
    assert client.read_response("HEAD").get("content-length") == "65536"
    stage.cue()
    client.send(stage.head("quick"))
    assert value_of(client.read_response()) == "quick"


@rule
def file_is_sent_by_its_descriptor(stage: Stage) -> None:
    """extensions: http.response.zerocopysend can be mixed with `http.response.body`; `offset`:
    where it starts, otherwise the current position; `count`: if omitted, until its end."""
    stage.needs("http.response.zerocopysend")
    response = stage.ask("a_file")
    assert response.body == b"<234789>"


@rule
def client_that_resets_a_stream_hurts_nobody(stage: Stage) -> None:
    """asgi: Even if an error is raised on `send()`, it should be an error class that the server
    catches and ignores, ensuring that the server does not itself error in the process."""
    for _ in range(5):
        client = stage.send("to_who_has_left?raise")
        client.wait_for(b"first")
        client.reset()
    try:
        assert stage.value("quick") == "quick"
    except ServerReset as error:
        raise AssertionError("the server hung up on somebody else") from error
