"""What the environ offers beyond PEP 3333: wsgi.early_hints and fastfork.socket."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.kit.blocks import path
from tests.kit.inproc import App, descriptors
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]

LINK = ("Link", "</style.css>; rel=preload")


def hinting(*hints: list[tuple[str, str]], body: Iterable[bytes] = (b"x",)) -> App:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        for fields in hints:
            assert environ["wsgi.early_hints"](fields) is None
        start_response("200 OK", [])
        return list(body)

    return app


def test_hints_come_before_the_answer(serve: Serve) -> None:
    client = serve(hinting([LINK, ("X-A", "1")], [LINK])).connect()
    for _ in range(2):
        answer = client.request()
        assert [(one.status, one.reason) for one in answer.interim] == [(103, "Early Hints")] * 2
        assert [one.fields for one in answer.interim] == [[LINK, ("X-A", "1")], [LINK]]
        assert answer.body == b"x"


def test_hints_are_there_before_the_application_goes_on(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        environ["wsgi.early_hints"]([LINK])
        assert client.take().startswith(b"HTTP/1.1 103 Early Hints\r\nLink: ")
        start_response("200 OK", [])
        return [b"x"]

    client = serve(app).connect()
    assert client.request().status == 200


def test_hints_are_not_sent_to_http_1_0(serve: Serve) -> None:
    client = serve(hinting([LINK])).connect()
    client.send(b"GET / HTTP/1.0\r\n\r\n")
    assert client.read_response().interim == []


def test_hints_after_start_response_are_hints_still(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [("X-A", "1")])
        environ["wsgi.early_hints"]([LINK])
        return [b"x"]

    answer = serve(app).connect().request()
    assert [one.fields for one in answer.interim] == [[LINK]]
    assert (answer.get("x-a"), answer.get("link")) == ("1", None)


def test_hints_after_the_head_are_not_sent(serve: Serve) -> None:
    kept: list[Callable[..., None]] = []

    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        kept.append(environ["wsgi.early_hints"])
        start_response("200 OK", [])
        yield b"one"
        environ["wsgi.early_hints"]([LINK])
        yield b"two"

    client = serve(app).connect()
    for _ in range(2):
        assert client.request().chunks == [b"one", b"two"]
        for hint in kept:
            hint([LINK])
    client.expect_nothing()


def test_hints_have_no_framing_fields(serve: Serve) -> None:
    served = serve(hinting([("Content-Length", "5"), LINK, ("Connection", "close")]))
    answer = served.connect().request()
    assert [one.fields for one in answer.interim] == [[LINK]]
    assert not answer.closes


@pytest.mark.parametrize("fields", [[("X", "a\r\nb")], [("X", 1)], None, [("X Y", "1")]], ids=repr)
def test_bad_hints_get_a_500(serve: Serve, fields: Any) -> None:
    served = serve(hinting(fields))
    answer = served.connect().request()
    assert (answer.status, answer.interim) == (500, [])
    served.logged("Error handling request GET /")


def test_hints_before_head_requests(serve: Serve) -> None:
    client = serve(hinting([LINK])).connect()
    for _ in range(2):
        answer = client.request("HEAD")
        assert (len(answer.interim), answer.body) == (1, b"")


# -- fastfork.socket


def test_socket_has_the_descriptor_of_the_connection(serve: Serve) -> None:
    peers: list[Any] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        with socket.socket(fileno=environ["fastfork.socket"].fileno()) as sock:
            peers.append(sock.getpeername())
            sock.detach()
        start_response("200 OK", [])
        return [b"x"]

    client = serve(app).connect()
    for _ in range(2):
        client.request()
    assert peers == [client.sock.getsockname()] * 2


def test_descriptor_is_minus_one_when_the_connection_is_closed(serve: Serve) -> None:
    kept: list[Any] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        kept.append(environ["fastfork.socket"])
        return path(environ, start_response)

    served = serve(app)
    client = served.connect()
    client.request()
    assert kept[0].fileno() > 0
    client.close()
    served.turn_until(lambda: served.hub.connections.count == 0, "the connection is closed")
    assert kept[0].fileno() == -1
    with pytest.raises(OSError):
        kept[0].dup()


def test_copy_of_the_socket_is_the_applications(serve: Serve) -> None:
    copies: list[socket.socket] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        copies.append(environ["fastfork.socket"].dup())
        start_response("200 OK", [])
        return [b"x"]

    served = serve(app)
    client = served.connect()
    assert client.request(fields=[("Connection", "close")]).body == b"x"
    served.turn_until(lambda: served.hub.connections.count == 0, "the connection is closed")
    with copies[0] as copy:
        copy.sendall(b"still here")
        assert client.take() == b"still here"
        client.sock.sendall(b"news for a descriptor that the poller must have forgotten")
        assert served.turn() is False
        assert copy.recv(4) == b"news"
        copy.recv(1000)
    client.expect_end()


def test_detached_socket_is_the_applications_alone(serve: Serve) -> None:
    taken: list[socket.socket] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/take":
            return path(environ, start_response)
        taken.append(environ["fastfork.socket"].detach())
        start_response("200 OK", [])
        return [b"never sent"]

    served = serve(app)
    client = served.connect()
    assert client.request("GET", "/first").status == 200
    client.send_request("GET", "/take")
    assert served.hub.connections.count == 0
    client.expect_nothing()
    with taken[0] as sock:
        assert sock.getblocking() is False
        sock.sendall(b"raw")
        assert client.take() == b"raw"
        client.sock.sendall(b"answer")
        served.settle()
        assert sock.recv(100) == b"answer"
    client.expect_end()


def test_detached_socket_makes_room_for_another_connection(serve: Serve) -> None:
    taken: list[socket.socket] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/take":
            taken.append(environ["fastfork.socket"].detach())
        return path(environ, start_response)

    served = serve(app, connections=1)
    first, second = served.connect(), served.connect()
    served.settle()
    second.sock.sendall(b"GET /second HTTP/1.1\r\nHost: h\r\n\r\n")
    first.send_request("GET", "/take")
    assert second.read_response().body == b"/second"
    taken[0].close()


def test_socket_can_be_detached_when_the_request_had_a_body(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        with environ["fastfork.socket"].detach() as sock:
            sock.sendall(body)
        return []

    served = serve(app, spool_after=10)
    before = len(descriptors())
    client = served.connect()
    client.send_request("POST", "/", body=b"x" * 1000)
    assert b"".join(client.packets()) == b"x" * 1000
    client.close()
    assert len(descriptors()) <= before


def test_socket_cannot_be_detached_twice(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        with environ["fastfork.socket"].detach() as sock, pytest.raises(RuntimeError):
            environ["fastfork.socket"].detach()
        sock.close()
        start_response("200 OK", [])
        return []

    served = serve(app)
    served.connect().send_request()
    assert served.hub.connections.count == 0


def test_socket_cannot_be_detached_when_the_request_is_over(serve: Serve) -> None:
    kept: list[Any] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        kept.append(environ["fastfork.socket"])
        return path(environ, start_response)

    client = serve(app).connect()
    client.request()
    with pytest.raises(RuntimeError, match="only while it is being"):
        kept[0].detach()
    assert client.request().status == 200


def test_pipelined_answers_before_a_detach_are_sent(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/take":
            with environ["fastfork.socket"].detach() as sock:
                sock.sendall(b"raw")
            return []
        return path(environ, start_response)

    client = serve(app).connect()
    get = b"GET %s HTTP/1.1\r\nHost: h\r\n\r\n"
    client.send(get % b"/1" + get % b"/2" + get % b"/take" + get % b"/4")
    assert [client.read_response().body for _ in range(2)] == [b"/1", b"/2"]
    assert client._reader.buffer + b"".join(client.packets()) == b"raw"
    client._reader.buffer = b""
