"""Field blocks that come again: what is made of them is what was made of them before."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httptools
import pytest

from fastfork._core.http.environ import EnvironBuilder
from fastfork.http import Leniency, Limits
from fastfork.http.forwarded import Forwarded
from fastfork.net.trust import TrustedPeers
from tests.kit.inproc import HubClient, Served
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]
KEPT_AFTER = 2  # times a block comes until it is kept
MOST = 2 << 20  # bytes of all blocks, see blocks.pyx: MOST

FIELDS = (
    ("Host: h",),
    ("Host: shop.example:81", "X-A: 1", "Accept: */*", "Cookie: a=1; b=2"),
    ("Host: h", "Cookie: a=1", "X-A: 1", "cookie: b=2", "X-A: 2", "x-a:3"),
    ("Host: h", "X-A: caf\xe9", "X-B:\t two words \t", "X-Empty:"),
    ("Host: h", "X_A: dropped", "X-A: 1", "Proxy: http://evil.example"),
    ("Host: h", "Content-Type: text/plain", "Content-Length: 0"),
    ("Host: h", f"X-{'Long' * 30}: 1", f"X-Value: {'v' * 1000}"),
    ("Host: h", "Authorization: Basic dTpw", "X-Api-Key: k", "Upgrade: websocket"),
    ("Host: h", "Connection: keep-alive, Upgrade", "Upgrade: h2c", "HTTP2-Settings: x"),
    *((f"Host: h{n}", *(f"X-{i}: {i * n}" for i in range(n))) for n in (0, 20, 60)),
)
LINES = (
    "GET / HTTP/1.1",
    "GET /path%20to?a=1&b=%C3%BC HTTP/1.1",
    "POST /caf\xe9 HTTP/1.1",
    "HEAD /x HTTP/1.1",
    "OPTIONS * HTTP/1.1",
    "GET http://other.example/y?z HTTP/1.1",
    "BREW /pot HTTP/1.1",
    "GET /old HTTP/1.0",
    "GET /newer HTTP/1.3",
)


class Environs:
    """An application that keeps what it is given, and spoils it."""

    def __init__(self) -> None:
        self.all: list[tuple[Environ, bytes]] = []

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        self.all.append((_without_objects(environ), body))
        for key in [key for key in environ if key.startswith("HTTP_")]:
            environ[key] = "spoilt"
        environ["SCRIPT_NAME"] = environ["added"] = "spoilt"
        environ.pop("QUERY_STRING")
        start_response("200 OK", [])
        return [b"x"]


def _without_objects(environ: Environ) -> Environ:
    """What is the same for equal requests."""
    mine = ("wsgi.input", "wsgi.errors", "wsgi.early_hints", "wsgi.file_wrapper")
    mine += ("fastfork.socket", "gunicorn.socket", "REMOTE_PORT", "SERVER_PORT")
    return {key: value for key, value in environ.items() if key not in mine}


@pytest.fixture
def app() -> Environs:
    return Environs()


@pytest.fixture
def served(serve: Serve, app: Environs, http_parser: str) -> Served:
    return serve(app, parser=http_parser)


def ask(client: HubClient, line: str, fields: Iterable[str], body: bytes = b"") -> int:
    """The status of the answer."""
    client.send("\r\n".join([line, *fields, "", ""]).encode("latin-1"))
    client.send(body)
    return client.read_response(line.split(" ", 1)[0]).status


def kept(served: Served) -> int:
    """Bytes that the blocks take."""
    return served.environs.blocks.kept


@pytest.mark.parametrize("fields", FIELDS, ids=lambda fields: f"{len(fields)} {fields[-1][:20]}")
@pytest.mark.parametrize("line", LINES)
def test_known_block_leads_to_the_environ_of_a_new_one(
    serve: Serve, http_parser: str, line: str, fields: tuple[str, ...]
) -> None:
    fresh, known = Environs(), Environs()
    closes = "1.0" in line
    assert ask(serve(fresh, parser=http_parser).connect(), line, fields) == 200
    served = serve(known, parser=http_parser)
    client = served.connect()
    for _ in range(KEPT_AFTER):
        assert ask(client, "GET /before?it HTTP/1.1", fields) == 200
    known.all.clear()
    for _ in range(2):
        assert ask(client, line, fields) == 200
        if closes:
            client.expect_end()
            client = served.connect()
    assert known.all == 2 * fresh.all
    assert kept(served) > 0


def test_block_is_kept_when_it_comes_again(served: Served) -> None:
    client = served.connect()
    for number in range(4):
        assert ask(client, "GET / HTTP/1.1", ["Host: h", "X-A: 1"]) == 200
        assert (kept(served) > 0) == (number >= KEPT_AFTER - 1)


def test_every_byte_of_a_block_counts(served: Served, app: Environs) -> None:
    value = "0123456789abcdef" * 12
    client, other = served.connect(), served.connect()
    for _ in range(3):
        ask(client, "GET / HTTP/1.1", ["Host: h", f"X-A: {value}", "X-B: b"])
    for at in range(len(value)):
        different = f"{value[:at]}-{value[at + 1 :]}"
        for asking in (client, other):
            assert ask(asking, "GET / HTTP/1.1", ["Host: h", f"X-A: {different}", "X-B: b"]) == 200
            assert app.all[-1][0]["HTTP_X_A"] == different
        assert ask(client, "GET / HTTP/1.1", ["Host: h", f"X-A: {value}", "X-B: b"]) == 200
        assert app.all[-1][0]["HTTP_X_A"] == value


@pytest.mark.parametrize(
    ("fields", "body", "read"),
    [
        (["Host: h", "Content-Length: 5"], b"hello", b"hello"),
        (["Host: h", "Transfer-Encoding: chunked"], b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", b"hello"),
        (["Host: h", "Transfer-Encoding:\tchunked\t"], b"1\r\nx\r\n0\r\n\r\n", b"x"),
        (["Host: h", "Content-Length: 4"], b"\r\n\r\n", b"\r\n\r\n"),
    ],
)
def test_known_block_frames_the_body(
    served: Served, app: Environs, fields: list[str], body: bytes, read: bytes
) -> None:
    client = served.connect()
    for number in range(5):
        assert ask(client, f"POST /{number} HTTP/1.1", fields, body) == 200
        assert app.all[-1][1] == read
        assert app.all[-1][0]["CONTENT_LENGTH"] == str(len(read))
        assert ask(client, "GET /between HTTP/1.1", ["Host: h"]) == 200
        assert app.all[-1][1] == b""
    assert kept(served) > 0


def test_heads_that_come_together_are_as_many_requests_each_time(
    served: Served, app: Environs
) -> None:
    client = served.connect()
    heads = [b"GET /%d HTTP/1.1\r\nHost: h\r\nX-A: %d\r\n\r\n" % (n, n) for n in range(3)]
    for _ in range(5):
        client.send(b"".join(heads))
        for _head in heads:
            assert client.read_response().status == 200
    assert [environ["PATH_INFO"] for environ, _body in app.all] == 5 * ["/0", "/1", "/2"]
    assert [environ["HTTP_X_A"] for environ, _body in app.all] == 5 * ["0", "1", "2"]


def test_llhttp_is_asked_about_each_request_line(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    real = httptools.HttpRequestParser

    class Asked:
        """The parser, and what it is fed."""

        def __init__(self, protocol: object) -> None:
            self.parser = real(protocol)
            self.set_dangerous_leniencies = self.parser.set_dangerous_leniencies

        def feed_data(self, data: Any) -> None:
            asked.append(bytes(data))
            self.parser.feed_data(data)

    monkeypatch.setattr(httptools, "HttpRequestParser", Asked)
    client = serve(Environs(), parser="httptools").connect()
    for number in range(4):
        assert ask(client, f"GET /{number} HTTP/1.1", ["Host: h", "X-A: 1"]) == 200
    heads = [b"GET /%d HTTP/1.1\r\nHost: h\r\nX-A: 1\r\n\r\n" % number for number in (0, 1)]
    assert asked == [*heads, b"GET /2 HTTP/1.1\r\n\r\n", b"GET /3 HTTP/1.1\r\n\r\n"]


def test_known_block_says_when_the_connection_ends(served: Served) -> None:
    for _ in range(4):
        client = served.connect()
        assert ask(client, "GET / HTTP/1.1", ["Host: h", "Connection: close"]) == 200
        client.expect_end()
    assert kept(served) > 0


def test_continue_is_sent_for_a_known_block(served: Served) -> None:
    client = served.connect()
    head = b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"
    for _ in range(4):
        client.send(head)
        assert client.packets() == [b"HTTP/1.1 100 Continue\r\n\r\n"]
        client.send(b"x")
        assert client.read_response("POST").status == 200
    assert kept(served) > 0


def test_version_decides_what_a_known_block_means(served: Served) -> None:
    client = served.connect()
    chunked = ["Host: h", "Transfer-Encoding: chunked"]
    for _ in range(3):
        assert ask(client, "POST / HTTP/1.1", chunked, b"0\r\n\r\n") == 200
    assert ask(client, "POST / HTTP/1.0", chunked, b"0\r\n\r\n") == 400
    client.expect_end()
    served.logged("Invalid request")


def test_limit_of_the_head_counts_the_request_line_too(serve: Serve, http_parser: str) -> None:
    served = serve(Environs(), parser=http_parser, limits=Limits(head=200))
    client = served.connect()
    fields = ["Host: h", f"X-A: {'a' * 100}"]
    for _ in range(3):
        assert ask(client, "GET / HTTP/1.1", fields) == 200
    room = 200 - len("\r\n".join(["GET / HTTP/1.1", *fields, "", ""]))
    assert ask(client, f"GET /{'b' * room} HTTP/1.1", fields) == 200
    assert ask(client, f"GET /{'b' * (room + 1)} HTTP/1.1", fields) == 431
    client.expect_end()
    served.logged("Invalid request")


def test_request_line_before_a_known_block_is_checked(served: Served) -> None:
    for line, status in (("GET /\x7f HTTP/1.1", 400), ("G(T / HTTP/1.1", 400),
                         ("GET / HTTP/3.0", 505), ("GET  / HTTP/1.1", 400)):  # fmt: skip
        client = served.connect()
        for _ in range(3):
            assert ask(client, "GET / HTTP/1.1", ["Host: h"]) == 200
        assert ask(client, line, ["Host: h"]) == status
        client.expect_end()
    served.logged("Invalid request")  # the first one: no more are told in a second


def test_known_blocks_are_found_in_whatever_pieces_they_come(served: Served, app: Environs) -> None:
    client = served.connect()
    requests = [
        f"GET /{number} HTTP/1.1\r\nHost: h{number % 2}\r\nX-A: {number % 3}\r\n\r\n".encode()
        for number in range(12)
    ]
    client.send(b"".join(requests))
    for _ in requests:
        assert client.read_response().status == 200
    for request in requests:
        client.send(*(request[at : at + 1] for at in range(len(request))))
        assert client.read_response().status == 200
    seen = [(e["PATH_INFO"], e["HTTP_HOST"], e["HTTP_X_A"]) for e, _body in app.all]
    assert seen == 2 * [(f"/{n}", f"h{n % 2}", f"{n % 3}") for n in range(12)]


@pytest.fixture
def second_listener() -> Iterator[socket.socket]:
    """One that is there for as long as the hub."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        yield listener


def test_each_listener_has_its_own(
    second_listener: socket.socket, served: Served, app: Environs
) -> None:
    """What a listener adds to an environ does not come with a block."""
    served.hub.listeners.listen(False)
    template = served.template | {"SERVER_NAME": "second"}
    served.hub.listeners.add_listener(second_listener.fileno(), template)
    served.hub.listeners.listen(True)
    first = served.connect()
    with socket.create_connection(second_listener.getsockname()) as sock:
        for asked in range(8):
            assert ask(first, "GET / HTTP/1.1", ["Host: h", "X-A: 1"]) == 200
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nX-A: 1\r\n\r\n")
            served.turn_until(lambda n=asked: len(app.all) == 2 * n + 2, "both are served")
    names = [environ["SERVER_NAME"] for environ, _body in app.all]
    assert names == 8 * ["127.0.0.1", "second"]


def test_blocks_are_forgotten_when_nothing_is_asked_for(served: Served) -> None:
    client = served.connect()
    for _ in range(3):
        ask(client, "GET / HTTP/1.1", ["Host: h", "Cookie: secret=1"])
    served.hub.rest()
    assert kept(served) > 0
    served.hub.rest()
    assert kept(served) == 0
    assert ask(client, "GET / HTTP/1.1", ["Host: h", "Cookie: secret=1"]) == 200
    assert kept(served) == 0


def test_blocks_are_forgotten_when_they_are_old(served: Served) -> None:
    client = served.connect()
    for _ in range(3):
        ask(client, "GET / HTTP/1.1", ["Host: h", "Cookie: secret=1"])
        served.hub.rest()
        assert served.environs.blocks.kept_seconds == 10.0
    assert kept(served) > 0
    served.environs.blocks.kept_seconds = 0.0
    ask(client, "GET / HTTP/1.1", ["Host: h", "X-Other: 1"])
    served.hub.rest()
    assert kept(served) == 0


def test_blocks_take_a_bounded_amount_of_memory(served: Served) -> None:
    client = served.connect()
    highest = 0
    for number in range(1500):
        fields = ["Host: h", f"X-A: {number:04}{'a' * 3000}"]
        for _ in range(3):
            assert ask(client, "GET / HTTP/1.1", fields) == 200
        highest = max(highest, kept(served))
    assert MOST - 10_000 < highest <= MOST


def test_long_blocks_are_not_kept(served: Served) -> None:
    client = served.connect()
    for _ in range(4):
        assert ask(client, "GET / HTTP/1.1", ["Host: h", f"X-A: {'a' * 4096}"]) == 200
    assert kept(served) == 0


def test_folded_fields_are_read_anew(serve: Serve, app: Environs, http_parser: str) -> None:
    served = serve(app, parser=http_parser, leniency=Leniency(permit_obsolete_folding=True))
    client = served.connect()
    for _ in range(4):
        assert ask(client, "GET / HTTP/1.1", ["Host: h", "X-A: one\r\n two"]) == 200
        assert app.all[-1][0]["HTTP_X_A"] == "one two"
    assert kept(served) == 0


def test_blocks_may_be_cleared_while_a_head_is_read(serve: Serve, http_parser: str) -> None:
    """As by another thread, while a line is logged of a field that is dropped."""
    forwarded = Forwarded(TrustedPeers(["*"]).trusts, walks=False, schemes={}, fields=())
    trusted = EnvironBuilder(
        on_dropped=lambda _name: trusted.blocks.clear(),
        watched=forwarded.watched,
        forwarders=frozenset(),
    )
    served = serve(Environs(), parser=http_parser, trusted=trusted, forwarded=forwarded)
    client = served.connect()
    for number in range(3):
        assert ask(client, "GET / HTTP/1.1", ["Host: h", f"X_{'A' * number}: 1"]) == 200
        assert trusted.blocks.kept == 0
