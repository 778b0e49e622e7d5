"""Request bodies: complete before the application is called, read through wsgi.input."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.kit.inproc import App, HubClient, Served, descriptors
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]

KIB = 1 << 10
MIB = 1 << 20
SIZES = [0, 1, 64 * KIB, MIB, MIB + 1, 5 * MIB]


def made(size: int) -> bytes:
    """Bytes in which no two blocks are alike."""
    blocks = (hashlib.sha256(b"%d" % number).digest() for number in range(size // 32 + 1))
    return b"".join(blocks)[:size]


class Reading:
    """An application that keeps the environ and what `read` made of the input."""

    def __init__(self, read: Callable[[Any], Any] = lambda stream: stream.read()) -> None:
        self.read = read
        self.calls = 0
        self.environ: Environ = {}
        self.result: Any = None

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        self.calls += 1
        self.environ = dict(environ)
        self.result = self.read(environ["wsgi.input"])
        start_response("200 OK", [])
        return [b"done"]


def as_chunks(data: bytes, size: int = 60_000) -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def send_chunked(client: HubClient, body: bytes, *fields: bytes) -> None:
    """Send a POST with a body that is framed already."""
    lines = [b"POST / HTTP/1.1", b"Host: h", b"Transfer-Encoding: chunked", *fields, b"", b""]
    client.send(b"\r\n".join(lines) + body)


@pytest.fixture(params=["length", "chunked"])
def post(request: pytest.FixtureRequest) -> Callable[[HubClient, bytes], None]:
    """Sends a body."""
    if request.param == "length":
        return lambda client, body: client.send_request("POST", "/", body=body)
    return lambda client, body: send_chunked(client, as_chunks(body))


@pytest.mark.parametrize("size", SIZES)
def test_body_arrives_whole(
    serve: Serve, http_parser: str, post: Callable[[HubClient, bytes], None], size: int
) -> None:
    app = Reading()
    served = serve(app, parser=http_parser)
    client = served.connect()
    data = made(size)
    for _ in range(2):
        post(client, data)
        assert client.read_response().body == b"done"
        assert app.result == data
        assert app.environ["CONTENT_LENGTH"] == str(size)
        assert "HTTP_TRANSFER_ENCODING" not in app.environ
        assert app.environ["wsgi.input_terminated"] is True


def test_large_body_is_in_a_file_that_is_gone_afterwards(
    serve: Serve, post: Callable[[HubClient, bytes], None]
) -> None:
    app = Reading(lambda stream: (stream, len(descriptors()), stream.read()))
    served = serve(app)
    client = served.connect()
    served.settle()
    before = len(descriptors())
    post(client, made(MIB + 1))
    client.read_response()
    stream, during, data = app.result
    assert (during, data) == (before + 1, made(MIB + 1))
    assert stream.closed
    assert len(descriptors()) == before


def test_body_of_exactly_the_limit_stays_in_memory(
    serve: Serve, post: Callable[[HubClient, bytes], None]
) -> None:
    app = Reading(lambda stream: len(descriptors()))
    served = serve(app)
    client = served.connect()
    served.settle()
    before = len(descriptors())
    post(client, made(MIB))
    client.read_response()
    assert app.result == before


@pytest.mark.parametrize("spool_after", [5, 1 << 20], ids=["file", "memory"])
@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (
            lambda s: [s.read(5), s.read(0), s.read(-1), s.read(), s.read(1)],
            [b"one\nt", b"", b"wo\n\nlast", b"", b""],
        ),
        (lambda s: [s.read(None)], [b"one\ntwo\n\nlast"]),
        (lambda s: [s.read(1000), s.read(1000)], [b"one\ntwo\n\nlast", b""]),
        (
            lambda s: [s.readline() for _ in range(6)],
            [b"one\n", b"two\n", b"\n", b"last", b"", b""],
        ),
        (
            lambda s: [s.readline(2), s.readline(-1), s.readline(100), s.readline(0)],
            [b"on", b"e\n", b"two\n", b""],
        ),
        (lambda s: s.readlines(), [b"one\n", b"two\n", b"\n", b"last"]),
        (lambda s: s.readlines(5), [b"one\n", b"two\n"]),
        (lambda s: [*s, s.read()], [b"one\n", b"two\n", b"\n", b"last", b""]),
        (lambda s: [next(s), s.read(2), next(iter(s))], [b"one\n", b"tw", b"o\n"]),
    ],
)
def test_input_is_read_like_a_file(
    serve: Serve,
    post: Callable[[HubClient, bytes], None],
    spool_after: int,
    read: Callable[[Any], Any],
    expected: list[bytes],
) -> None:
    app = Reading(read)
    client = serve(app, spool_after=spool_after).connect()
    post(client, b"one\ntwo\n\nlast")
    client.read_response()
    assert app.result == expected


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_input_without_a_body_is_empty(serve: Serve, http_parser: str, method: str) -> None:
    app = Reading(
        lambda s: [s.read(), s.read(5), s.readline(), s.readline(5), s.readlines(), list(s)]
    )
    client = serve(app, parser=http_parser).connect()
    client.request(method)
    assert app.result == [b"", b"", b"", b"", [], []]
    assert "CONTENT_LENGTH" not in app.environ


def test_input_can_be_closed_and_the_next_request_is_served(
    serve: Serve, post: Callable[[HubClient, bytes], None]
) -> None:
    client = serve(Reading(lambda s: s.close()), spool_after=5).connect()
    for body in (b"", b"four", b"more than five"):
        post(client, body)
        assert client.read_response().body == b"done"


@pytest.mark.parametrize("size", [1, 7, 1000, 4097])
def test_chunks_of_any_size_are_put_together(serve: Serve, http_parser: str, size: int) -> None:
    app = Reading()
    client = serve(app, parser=http_parser, spool_after=5000).connect()
    data = made(20_000)
    send_chunked(client, as_chunks(data, size))
    client.read_response()
    assert app.result == data


def test_body_may_come_a_byte_at_a_time(
    serve: Serve, http_parser: str, post: Callable[[HubClient, bytes], None]
) -> None:
    app = Reading()
    client = serve(app, parser=http_parser, spool_after=20).connect()
    client.send_byte_by_byte(
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'14;name="v"\r\n' + b"x" * 20 + b"\r\n1\r\ny\r\n0\r\nX-Trailer: 1\r\n\r\n"
    )
    assert client.read_response().body == b"done"
    assert app.result == b"x" * 20 + b"y"
    assert "HTTP_X_TRAILER" not in app.environ


TRUNCATED = [
    b"Content-Length: 10\r\n\r\n",
    b"Content-Length: 10\r\n\r\nabc",
    b"Content-Length: 5000000\r\n\r\nabc",
    b"Transfer-Encoding: chunked\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n5",
    b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
    b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\nX: 1\r\n",
]


@pytest.mark.parametrize("rest", TRUNCATED)
def test_truncated_body_never_reaches_the_application(
    serve: Serve, http_parser: str, rest: bytes
) -> None:
    app = Reading()
    client = serve(app, parser=http_parser).connect()
    client.send(b"POST / HTTP/1.1\r\nHost: h\r\n" + rest)
    client.half_close()
    answer = client.read_response()
    assert (answer.status, answer.closes) == (400, True)
    client.expect_end()
    assert app.calls == 0


def test_application_is_called_only_when_the_body_is_complete(
    serve: Serve, http_parser: str
) -> None:
    app = Reading()
    served = serve(app, parser=http_parser)
    client = served.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc")
    client.expect_nothing()
    assert app.calls == 0
    client.send(b"def")
    assert (app.calls, app.result) == (1, b"abcdef")
    assert client.read_response().status == 200


def too_large(served: Served, client: HubClient, app: Reading) -> None:
    answer = client.read_response()
    assert (answer.status, answer.closes) == (413, True)
    client.expect_end()
    assert app.calls == 0
    served.logged("Invalid request")


@pytest.mark.parametrize("size", [101, 10**9, 10**17])
def test_body_over_the_limit_is_refused_before_it_is_read(
    serve: Serve, http_parser: str, size: int
) -> None:
    app = Reading()
    served = serve(app, parser=http_parser, max_body=100)
    client = served.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size)
    too_large(served, client, app)


@pytest.mark.parametrize("size", [1, 50, 101])
def test_chunks_over_the_limit_are_refused(serve: Serve, http_parser: str, size: int) -> None:
    app = Reading()
    served = serve(app, parser=http_parser, max_body=100, spool_after=30)
    client = served.connect()
    send_chunked(client, as_chunks(b"x" * 101, size))
    too_large(served, client, app)


def test_body_of_exactly_the_limit_is_read(
    serve: Serve, http_parser: str, post: Callable[[HubClient, bytes], None]
) -> None:
    app = Reading()
    client = serve(app, parser=http_parser, max_body=100).connect()
    post(client, b"x" * 100)
    assert client.read_response().body == b"done"


def test_client_that_refused_to_read_still_sees_the_refusal(serve: Serve, http_parser: str) -> None:
    """Lingering close: unread bytes must not turn the answer into a reset."""
    app = Reading()
    served = serve(app, parser=http_parser, max_body=100)
    client = served.connect()
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n"
    client.sock.sendall(head + b"x" * 100_000)
    too_large(served, client, app)


def test_spooled_body_can_be_sent_back_as_a_file(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [])
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](environ["wsgi.input"])
        return wrapped

    client: HubClient = serve(app, spool_after=1000, small_buffers=True).connect()
    data = made(2 * MIB)
    for _ in range(2):
        client.send_request("POST", "/", body=data)
        assert client.read_response().body == data


def test_many_bodies_at_the_same_time_do_not_mix(serve: Serve) -> None:
    def echo(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [environ["wsgi.input"].read()]

    application: App = echo
    served = serve(application, spool_after=1000)
    clients = [served.connect() for _ in range(20)]
    bodies = [b"%d;" % number * 500 * (number + 1) for number in range(20)]
    for client, body in zip(clients, bodies, strict=True):
        client.sock.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body))
    for part in range(10):
        for client, body in zip(clients, bodies, strict=True):
            size = len(body) // 10 + 1
            client.send(body[part * size : (part + 1) * size])
    for client, body in zip(clients, bodies, strict=True):
        assert client.read_response().body == body


def test_file_is_made_when_so_much_has_come_not_when_it_is_announced(serve: Serve) -> None:
    app = Reading()
    served = serve(app)
    client = served.connect()
    body = made(5 * MIB)
    client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body))
    before = len(descriptors())
    client.send(body[: 16 * KIB])
    assert len(descriptors()) == before
    client.send(body[16 * KIB : 16 * KIB + 1])
    assert len(descriptors()) == before + 1
    client.send(body[16 * KIB + 1 :])
    assert client.read_response("POST").status == 200
    assert app.result == body
