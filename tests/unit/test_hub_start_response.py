"""start_response as PEP 3333 has it: twice, never, late, with exc_info, with bad arguments."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.kit.blocks import Blocks, returning
from tests.kit.inproc import App, HubClient, Served, refused
from tests.kit.response import ConnectionEnded
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]

OLD = [("X-Old", "1"), ("Content-Length", "3"), ("Date", "old"), ("Server", "old")]


def test_status_reason_and_fields_reach_the_client_in_order(serve: Serve) -> None:
    fields = [("X-B", "2"), ("X-A", "1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    served = serve(returning([b"x"], *fields, status="404 Nothing Here"))
    answer = served.connect().request()
    assert (answer.status, answer.reason) == (404, "Nothing Here")
    assert answer.fields[:4] == fields


def test_exc_info_before_the_head_replaces_everything(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [*OLD, ("Connection", "close")])
        try:
            raise LookupError("gone")
        except LookupError:
            start_response("503 Busy", [("X-New", "1")], sys.exc_info())
        return [b"later"]

    answer = serve(app).connect().request()
    assert (answer.status, answer.body) == (503, b"later")
    assert answer.all("x-old") == []
    assert answer.get("x-new") == "1"
    assert answer.get("content-length") == "5"
    assert answer.get("server") == "fastfork"
    assert answer.get("date") not in (None, "old")
    assert not answer.closes


def test_exc_info_after_the_head_is_raised_again(serve: Serve) -> None:
    raised: list[BaseException] = []

    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"first"
        try:
            raise LookupError("on the way")
        except LookupError as error:
            try:
                start_response("500 Oops", [("X-New", "1")], sys.exc_info())
            except LookupError as again:
                raised.extend([error, again])
                raise

    served = serve(app)
    client = served.connect()
    client.send_request()
    with pytest.raises(ConnectionEnded):
        client.read_response()
    assert raised[0] is raised[1]
    assert b"X-New" not in client.received
    assert client.received.endswith(b"5\r\nfirst\r\n")
    assert "LookupError: on the way" in served.logged("Error handling request")


def test_exc_info_in_the_first_call_is_an_ordinary_start(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        try:
            raise LookupError
        except LookupError:
            start_response("500 Oops", [], sys.exc_info())
        return [b"page"]

    answer = serve(app).connect().request()
    assert (answer.status, answer.body, answer.closes) == (500, b"page", False)


def test_exc_info_of_nothing_is_an_ordinary_start(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [], None)
        return [b"page"]

    assert serve(app).connect().request().body == b"page"


def test_second_call_without_exc_info_is_an_error(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [])
        start_response("200 OK", [])
        return [b"never"]

    refused(serve(app), "start_response was called twice")


def test_second_call_that_the_application_survives_changes_nothing(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("201 Made", [("X-First", "1")])
        with pytest.raises(AssertionError):
            start_response("200 OK", [("X-Second", "1")])
        return [b"body"]

    answer = serve(app).connect().request()
    assert (answer.status, answer.get("x-first"), answer.get("x-second")) == (201, "1", None)


def test_call_after_the_head_without_exc_info_is_an_error(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"first"
        start_response("200 OK", [])

    served = serve(app)
    client = served.connect()
    client.send_request()
    with pytest.raises(ConnectionEnded):
        client.read_response()
    assert "called twice" in served.logged("Error handling request")


@pytest.mark.parametrize("body", [[b"x"], [], (b"x",), b"", iter([b"x"]), iter([])])
def test_application_that_never_starts_gets_a_500(serve: Serve, body: Any) -> None:
    def app(environ: Environ, start_response: Start) -> Any:
        return body

    refused(serve(app), "without calling start_response")


def test_generator_that_never_starts_gets_a_500_and_is_closed(serve: Serve) -> None:
    body = Blocks([b"", b"too early"])
    refused(serve(lambda environ, start_response: body), "without calling start_response")
    assert body.closed == 1


def test_lazy_generator_starts_with_its_first_block(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        yield b""
        start_response("202 Later", [("X-Late", "1")])
        yield b"one"
        yield b"two"

    answer = serve(app).connect().request()
    assert (answer.status, answer.get("x-late"), answer.body) == (202, "1", b"onetwo")


def test_lazy_generator_that_has_no_block_may_start_at_its_end(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield from ()

    answer = serve(app).connect().request()
    assert (answer.status, answer.body, answer.get("content-length")) == (200, b"", "0")


def test_application_object_may_be_a_class(serve: Serve) -> None:
    class App:
        def __init__(self, environ: Environ, start_response: Start) -> None:
            self.start_response = start_response

        def __iter__(self) -> Iterator[bytes]:
            self.start_response("200 OK", [])
            yield b"from a class"

    assert serve(App).connect().request().body == b"from a class"


def test_start_response_after_the_response_is_an_error(serve: Serve) -> None:
    kept: list[Start] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        kept.append(start_response)
        start_response("200 OK", [])
        return [b"x"]

    client = serve(app).connect()
    client.request()
    with pytest.raises(RuntimeError, match="after the response had ended"):
        kept[0]("200 OK", [])
    assert client.request().body == b"x"
    with pytest.raises(RuntimeError):
        kept[0]("200 OK", [])


def test_bad_field_that_the_application_survives_is_not_sent(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        with pytest.raises(ValueError):
            start_response("200 OK", [("X-Half", "1"), ("X-A", "1\r\n")])
        start_response("200 OK", [("X-Whole", "1")])
        return [b"x"]

    answer = serve(app).connect().request()
    assert (answer.status, answer.get("x-half"), answer.get("x-whole")) == (200, None, "1")


def test_bad_replacement_leaves_nothing_of_the_first_try(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", OLD)
        try:
            raise LookupError
        except LookupError:
            start_response("500 Oops", [("X-A", "\n")], sys.exc_info())
        return [b"x"]

    served = serve(app)
    answer = served.connect().request()
    assert (answer.status, answer.get("x-old"), answer.get("server")) == (500, None, "fastfork")
    served.logged("Error handling request")


def serving(served: Served) -> HubClient:
    """A client that was already served once on its connection."""
    client = served.connect()
    client.request()
    return client


def test_next_response_has_nothing_of_the_one_before(serve: Serve) -> None:
    apps: Iterator[App] = iter(
        [
            returning([b"abc"], *OLD, status="201 Made"),
            returning(iter([b"x"]), ("X-Second", "1")),
        ]
    )
    served = serve(lambda environ, start_response: next(apps)(environ, start_response))
    answer = serving(served).request()
    assert (answer.status, answer.framing, answer.body) == (200, "chunked", b"x")
    assert [answer.get(name) for name in ("x-old", "server")] == [None, "fastfork"]


def test_environ_and_start_response_are_passed_by_position(serve: Serve) -> None:
    def app(*args: Any, **kwargs: Any) -> Iterable[bytes]:
        assert not kwargs
        environ, start_response = args
        assert type(environ) is dict
        assert callable(start_response("200 OK", []))
        return [b"x"]

    assert serve(app).connect().request().status == 200
