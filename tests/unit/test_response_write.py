"""The write() callable of PEP 3333, for applications that cannot return an iterable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.kit.blocks import Blocks
from tests.kit.inproc import App, descriptors
from tests.kit.response import ConnectionEnded
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]

MIB = 1 << 20


def writing(
    *blocks: Any, body: Iterable[bytes] = (), length: int | None = None, status: str = "200 OK"
) -> App:
    """An application that writes the blocks and returns `body`."""

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        fields = [] if length is None else [("Content-Length", str(length))]
        write = start_response(status, fields)
        for block in blocks:
            assert write(block) is None
        return body

    return app


def test_what_is_written_is_chunked(serve: Serve) -> None:
    client = serve(writing(b"one", b"", b"two")).connect()
    for _ in range(2):
        answer = client.request()
        assert (answer.framing, answer.chunks, answer.closes) == (
            "chunked",
            [b"one", b"two"],
            False,
        )


def test_what_is_written_has_the_announced_length(serve: Serve) -> None:
    client = serve(writing(b"one", b"two", length=6)).connect()
    for _ in range(2):
        answer = client.request()
        assert (answer.framing, answer.body) == ("length", b"onetwo")


@pytest.mark.parametrize(
    "body",
    [[b"two"], (b"two",), b"two", [b"t", b"wo"], [b"", b"two"]],
    ids=repr,
)
def test_body_follows_what_was_written(serve: Serve, body: Any) -> None:
    answer = serve(writing(b"one", body=body)).connect().request()
    assert (answer.framing, answer.body) == ("chunked", b"onetwo")


def test_generator_follows_what_was_written_and_is_closed(serve: Serve) -> None:
    body = Blocks([b"two", b"three"])
    assert serve(writing(b"one", body=body)).connect().request().body == b"onetwothree"
    assert body.closed == 1


def test_large_list_follows_what_was_written(serve: Serve) -> None:
    blocks = [b"x" * 50_000] * 3
    answer = serve(writing(b"one", body=blocks)).connect().request()
    assert answer.body == b"one" + b"".join(blocks)


def test_write_of_nothing_leaves_the_head_open(serve: Serve) -> None:
    answer = serve(writing(b"", body=[b"abc"])).connect().request()
    assert (answer.framing, answer.body) == ("length", b"abc")


def test_what_is_written_is_there_before_write_returns(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        write = start_response("200 OK", [])
        write(b"now")
        assert client.sock.recv(1000).endswith(b"3\r\nnow\r\n")
        return []

    client = serve(app).connect()
    client.send_request()
    assert client.packets() == [b"0\r\n\r\n"]


def test_http_1_0_gets_what_is_written_until_the_end(serve: Serve) -> None:
    client = serve(writing(b"one", b"two")).connect()
    client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    answer = client.read_response()
    assert (answer.framing, answer.body) == ("close", b"onetwo")


@pytest.mark.parametrize("status", ["200 OK", "304 Same", "204 Nothing", "205 Reset"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_body_is_written_where_none_belongs(serve: Serve, method: str, status: str) -> None:
    served = serve(writing(b"one", b"two", status=status))
    client = served.connect()
    for _ in range(2):
        answer = client.request(method)
        assert answer.body == (b"onetwo" if (method, status) == ("GET", "200 OK") else b"")
    client.expect_nothing()


def test_write_beyond_the_length_is_cut(serve: Serve) -> None:
    served = serve(writing(b"one", b"two", length=4))
    assert served.connect().request().body == b"onet"
    served.logged("longer than its Content-Length")


def test_write_short_of_the_length_closes(serve: Serve) -> None:
    served = serve(writing(b"one", length=4))
    client = served.connect()
    client.send_request()
    with pytest.raises(ConnectionEnded, match="1 bytes too early"):
        client.read_response()
    served.logged("1 bytes shorter than its Content-Length")


@pytest.mark.parametrize("data", ["text", None, 5, bytearray(b"x")], ids=repr)
def test_only_bytes_can_be_written(serve: Serve, data: Any) -> None:
    served = serve(writing(data))
    assert served.connect().request().status == 500
    assert "TypeError: write() takes bytes" in served.logged("Error handling request")


def test_exception_after_a_write_cuts_the_answer(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [])(b"one")
        raise LookupError("on purpose")

    served = serve(app)
    client = served.connect()
    client.send_request()
    with pytest.raises(ConnectionEnded):
        client.read_response()
    assert client.received.endswith(b"3\r\none\r\n")
    served.logged("Error handling request")


def test_write_after_the_response_is_an_error(serve: Serve) -> None:
    kept: list[Callable[[bytes], object]] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        kept.append(start_response("200 OK", []))
        return [b"x"]

    client = serve(app).connect()
    client.request()
    with pytest.raises(AssertionError, match="outside"):
        kept[0](b"more")
    assert client.request().body == b"x"


def test_write_in_the_middle_of_a_generator_keeps_the_order(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        write = start_response("200 OK", [])
        write(b"1")
        yield b"2"
        write(b"3")
        yield b"4"

    assert serve(app).connect().request().chunks == [b"1", b"2", b"3", b"4"]


@pytest.mark.parametrize("sized", [False, True], ids=["chunked", "length"])
def test_client_that_does_not_read_does_not_hold_write(serve: Serve, sized: bool) -> None:
    """8 MiB at once: the application goes on, the disk takes what the client does not."""
    data = bytes(range(256)) * (8 * MIB // 256)
    app = writing(data, b"end", length=8 * MIB + 3 if sized else None)
    served = serve(app, small_buffers=True)
    client = served.connect()
    served.settle()
    before = len(descriptors())
    client.send_request()
    assert client.read_response().body == data + b"end"
    assert client.request().body == data + b"end"
    assert len(descriptors()) <= before


def test_many_small_writes_to_a_client_that_does_not_read_need_few_descriptors(
    serve: Serve,
) -> None:
    opened: list[int] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        write = start_response("200 OK", [("Content-Length", "3000000")])
        for _ in range(30_000):
            write(b"x" * 100)
        opened.append(len(descriptors()))
        return []

    served = serve(app, small_buffers=True)
    client = served.connect()
    served.settle()
    before = len(descriptors())
    client.send_request()
    assert opened[0] - before < 10
    assert client.read_response().body == b"x" * 3_000_000


def test_several_spills_arrive_in_order(serve: Serve) -> None:
    blocks = [bytes([65 + number]) * (MIB + number) for number in range(5)]
    body = Blocks([b"!" * 1000, b"?" * MIB])
    client = serve(writing(*blocks, body=body), small_buffers=True).connect()
    client.send_request()
    answer = client.read_response()
    assert answer.body == b"".join(blocks) + b"!" * 1000 + b"?" * MIB
    assert body.closed == 1


def test_client_that_vanishes_during_write_does_not_stop_the_application(serve: Serve) -> None:
    done: list[bool] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        write = start_response("200 OK", [])
        write(b"x" * 1000)
        client.reset()
        for _ in range(100):
            write(b"x" * MIB)
        done.append(True)
        return [b"end"]

    served = serve(app, small_buffers=True)
    client = served.connect()
    client.send_request()
    assert done == [True]
    served.turn_until(lambda: served.hub.connections.count == 0, "the connection is closed")
