"""What receive() brings of a request, and of the client's leaving.

Runs in: cli
"""

from __future__ import annotations

import select

from tests.asgi.case import Group
from tests.asgi.stage import Stage, value_of
from tests.kit.client import RawClient

group = Group("receive")
rule, wish = group.rule, group.wish
LARGE = bytes(range(256)) * 8192  # 2 MiB
CHUNKED = "Transfer-Encoding: chunked"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def with_length(stage: Stage, scene: str, size: int, *lines: str) -> RawClient:
    """A request whose body is to follow."""
    return stage.send(scene, f"Content-Length: {size}", *lines, method="POST")


@rule
def request_without_a_body_is_one_empty_message(stage: Stage) -> None:
    """www: `body` Optional; if missing defaults to b"".  `more_body` Optional; if missing defaults
    to False."""
    (message,) = stage.value("messages")
    assert message["type"] == "http.request"
    assert message.get("body", b"") == b""
    assert message.get("more_body", False) is False


@rule
def body_of_known_length_comes_whole(stage: Stage) -> None:
    """www: If `more_body` is set, treat as start of body and concatenate on further chunks."""
    messages = stage.value("messages", method="POST", body=b"a=1\0&b=\xff")
    assert b"".join(message.get("body", b"") for message in messages) == b"a=1\0&b=\xff"
    assert {message["type"] for message in messages} == {"http.request"}
    assert all(type(message.get("body", b"")) is bytes for message in messages)
    assert all(type(message.get("more_body", False)) is bool for message in messages)


@rule
def chunked_body_is_decoded(stage: Stage) -> None:
    """www: A request with a `chunked` encoded body should be automatically de-chunked by the
    server and presented to the application as plain body bytes."""
    body = chunk(b"one ") + b"3;ext=1\r\ntwo\r\n" + b"0\r\n\r\n"
    client = stage.send("messages", CHUNKED, method="POST", body=body)
    messages = value_of(client.read_response())
    assert b"".join(message.get("body", b"") for message in messages) == b"one two"


@rule
def large_body_arrives_whole(stage: Stage) -> None:
    """www: concatenate on further chunks (uvicorn 443, 2845: joining it must not be quadratic)."""
    assert stage.value("size", method="POST", body=LARGE) == (len(LARGE), sum(LARGE))


@rule
def large_chunked_body_arrives_whole(stage: Stage) -> None:
    """www: The `http.request` messages should contain just the decoded contents of each chunk."""
    pieces = [LARGE[start : start + 50_000] for start in range(0, len(LARGE), 50_000)]
    body = b"".join(map(chunk, pieces)) + b"0\r\n\r\n"
    client = stage.send("size", CHUNKED, method="POST", body=body)
    assert value_of(client.read_response()) == (len(LARGE), sum(LARGE))


@wish
def body_is_passed_on_while_it_comes(stage: Stage) -> None:
    """www: the body message serves as a way to stream large incoming HTTP bodies in chunks.
    Users stream uploads; daphne and h2corn wait for the whole."""
    client = with_length(stage, "one_by_one", 6)
    for end in (b"abc", b"de", b"f"):
        client.send(end)
        size = {b"abc": 3, b"de": 5, b"f": 6}[end]
        stage.told(f"bytes-{size}")
    assert value_of(client.read_response()) == b"abcdef"


@wish
def chunks_are_passed_on_while_they_come(stage: Stage) -> None:
    """www: the body message serves as a way to stream large incoming HTTP bodies in chunks."""
    client = stage.send("one_by_one", CHUNKED, method="POST")
    client.send(chunk(b"abc"))
    stage.told("bytes-3")
    client.send(chunk(b"de")[:-1])
    stage.told("bytes-5")
    client.send(b"\n0\r\n\r\n")
    assert value_of(client.read_response()) == b"abcde"


@wish
def application_is_called_when_the_head_is_there(stage: Stage) -> None:
    """www: The body message serves as a trigger to actually run request code; an application may
    refuse a large upload before it comes."""
    client = with_length(stage, "not_read", 1 << 20)
    assert value_of(client.read_response()) == "not read"


@rule
def body_that_nobody_reads_does_not_become_a_request(stage: Stage) -> None:
    """RFC 9112 section 9.3: a server MUST read the entire request message body or close the
    connection after sending its response."""
    smuggled = stage.head("scope")
    client = with_length(stage, "not_read", len(smuggled))
    client.send(smuggled)
    assert value_of(client.read_response()) == "not read"
    try:
        client.send(stage.head("quick"))
    except (BrokenPipeError, ConnectionResetError):
        return
    rest = client.read_to_end() if client_is_closed(client) else client.read_response().body
    assert rest in (b"", b"'quick'"), rest


def client_is_closed(client: RawClient) -> bool:
    """Whether the server answers with its end: nothing else is to be read."""
    readable, _, _ = select.select([client.sock], [], [], client.timeout)
    assert readable, "neither an answer nor the end"
    try:
        return not client.sock.recv(1, 2)  # MSG_PEEK
    except ConnectionResetError:
        return True


@rule
def after_the_answer_comes_disconnect(stage: Stage) -> None:
    """www: http.disconnect: Sent to the application if receive is called after a response has been
    sent or after the HTTP connection has been closed."""
    client = stage.send("after_the_answer", "Content-Length: 1", method="POST", body=b"a")
    assert value_of(client.read_response()) == "answered"  # the client stays
    assert stage.told()["after"] == ["http.disconnect"] * 3


@rule
def disconnect_does_not_come_before_the_answer(stage: Stage) -> None:
    """www: Sent to the application if receive is called after a response has been sent or after
    the HTTP connection has been closed (azure-functions 153, starlette 1715: not before)."""
    client = stage.send("listen_while_answering")
    assert stage.told("waits")["waits"] is True
    stage.cue()
    assert value_of(client.read_response()) is False
    assert stage.told("heard")["heard"] == "http.disconnect"


@rule
def client_that_closes_is_told_to_who_waits(stage: Stage) -> None:
    """www: This is mainly useful for long-polling, where you may want to trigger cleanup code if
    the connection closes early (granian 286, gunicorn 3484)."""
    client = stage.send("wait_for_the_end")
    stage.told("waits")
    client.close()
    assert stage.told("heard")["heard"][0] == "http.disconnect"


@rule
def client_that_resets_is_told_to_who_waits(stage: Stage) -> None:
    """www: Sent to the application if receive is called after the HTTP connection has been
    closed."""
    client = stage.send("wait_for_the_end", "Content-Length: 3", method="POST", body=b"abc")
    stage.told("waits")
    client.reset()
    assert stage.told("heard")["heard"][0] == "http.disconnect"


@rule
def disconnect_is_told_each_time(stage: Stage) -> None:
    """www: Sent to the application if receive is called after the HTTP connection has been closed:
    each time (middleware listens as well as the application)."""
    client = stage.send("wait_for_the_end")
    stage.told("waits")
    client.close()
    assert stage.told("again")["heard"] == ["http.disconnect"] * 3


@rule
def client_that_leaves_in_its_upload_is_told(stage: Stage) -> None:
    """www: Sent to the application if receive is called after the HTTP connection has been
    closed; a body that is not whole must not look so."""
    client = with_length(stage, "upload_that_ends", 10)
    client.send(b"abc")
    stage.told("bytes-3")
    client.close()
    told = stage.told("heard")
    assert (told["heard"], told["got"]) == ("http.disconnect", b"abc")


@rule
def client_that_leaves_between_chunks_is_told(stage: Stage) -> None:
    """RFC 9112 section 8: a message body that uses the chunked transfer coding is incomplete if
    the zero-sized chunk that terminates the encoding has not been received."""
    client = stage.send("upload_that_ends", CHUNKED, method="POST", body=chunk(b"abc"))
    stage.told("bytes-3")
    client.close()
    told = stage.told("heard")
    assert (told["heard"], told["got"]) == ("http.disconnect", b"abc")


@wish
def client_that_only_stops_sending_gets_its_answer(stage: Stage) -> None:
    """RFC 9112 section 9.6 speaks of closing one half; clients that end their side (nc, HTTP/1.0
    tools) wait for the answer."""
    client = stage.send("held")
    stage.told("waits")
    client.half_close()
    stage.cue()
    assert value_of(client.read_response()) == "held"


@wish
def receive_can_be_made_a_task(stage: Stage) -> None:
    """asgi: `receive` is an awaitable callable.  That is less than create_task() demands, and
    applications do that everywhere: what it returns should be a coroutine."""
    assert stage.value("gathered")["type"] == "http.request"


@rule
def cancelled_receive_is_cancelled_and_loses_nothing(stage: Stage) -> None:
    """asgi: `asyncio`-compatible (gunicorn 3627: a swallowed cancellation leaked connections of
    Django's)."""
    client = with_length(stage, "cancelled_receive", 3)
    stage.told("cancelled")
    client.send(b"abc")
    assert value_of(client.read_response()) == (True, "cancelled", b"abc")


@rule
def receive_can_run_out_of_time(stage: Stage) -> None:
    """asgi: `asyncio`-compatible; wait_for() cancels what it waits for."""
    client = with_length(stage, "receive_in_time", 3)
    assert stage.told("ran_out")["ran_out"] == 3
    client.send(b"abc")
    assert value_of(client.read_response()) == (3, b"abc")


@rule
def continue_is_sent_when_the_application_reads(stage: Stage) -> None:
    """RFC 9110 section 10.1.1: an origin server MUST send a 100 (Continue) or a final status
    immediately."""
    client = with_length(stage, "size", 3, "Expect: 100-continue")
    client.wait_for(b"\r\n\r\n")
    client.send(b"abc")
    response = client.read_response()
    assert value_of(response) == (3, sum(b"abc"))
    assert [one.status for one in response.interim] == [100]


@wish
def continue_is_not_sent_when_the_application_does_not_read(stage: Stage) -> None:
    """RFC 9110 section 10.1.1 lets an origin server answer at once; a 100 would make the client
    send what nobody wants."""
    client = with_length(stage, "not_read", 1 << 20, "Expect: 100-continue")
    response = client.read_response()
    assert value_of(response) == "not read"
    assert response.interim == []


@wish
def upload_that_nobody_reads_is_not_stored(stage: Stage) -> None:
    """Memory of the server stays bounded: the client has to wait (demand: back-pressure)."""
    size = 64 << 20
    piece = bytes(1 << 20)
    client = with_length(stage, "read_later", size)
    stage.told("waits")
    client.sock.setblocking(False)
    sent = 0
    while sent < size and select.select([], [client.sock], [], 0.5)[1]:
        sent += client.sock.send(piece[: size - sent])
    assert sent < size // 2, "the server takes what nobody reads"
    client.sock.settimeout(client.timeout)
    stage.cue()
    while sent < size:
        sent += client.sock.send(piece[: size - sent])
    assert value_of(client.read_response()) == (size, 0)
