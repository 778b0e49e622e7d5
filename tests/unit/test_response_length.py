"""Content-Length: the application's word is checked and kept; without it the server counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.kit.blocks import Blocks, returning
from tests.kit.inproc import Served
from tests.kit.response import ConnectionEnded
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]

LONGER = "the application's body is longer than its Content-Length; the rest is cut"
BIG = 20_000  # bytes of a block that is sent by reference, not copied


def sized(body: Any, length: int | str) -> Callable[..., Iterable[bytes]]:
    return returning(body, ("Content-Length", str(length)))


BODIES: dict[str, Callable[[list[bytes]], Any]] = {
    "list": list,
    "tuple": tuple,
    "generator": lambda blocks: (block for block in blocks),
    "object": Blocks,
}


@pytest.fixture(params=sorted(BODIES))
def as_body(request: pytest.FixtureRequest) -> Callable[[list[bytes]], Any]:
    """Makes a kind of body of blocks."""
    return BODIES[request.param]


@pytest.mark.parametrize("blocks", [[b"abc"], [b"a", b"bc"], [b"", b"abc", b""]], ids=repr)
def test_right_length_is_kept_and_the_connection_stays(
    serve: Serve, as_body: Callable[[list[bytes]], Any], blocks: list[bytes]
) -> None:
    client = serve(lambda *args: sized(as_body(blocks), 3)(*args)).connect()
    for _ in range(2):
        answer = client.request()
        assert (answer.framing, answer.body, answer.closes) == ("length", b"abc", False)
        assert answer.get("content-length") == "3"


@pytest.mark.parametrize("blocks", [[b"ab"], [b"a", b"b"], [b""], []], ids=repr)
def test_short_body_ends_the_connection_before_its_end(
    serve: Serve, as_body: Callable[[list[bytes]], Any], blocks: list[bytes]
) -> None:
    served = serve(sized(as_body(blocks), 3))
    client = served.connect()
    client.send_request()
    client.send_request()
    missing = 3 - len(b"".join(blocks))
    with pytest.raises(ConnectionEnded, match=f"{missing} bytes too early"):
        client.read_response()
    line = served.logged("shorter than its Content-Length; the connection is closed")
    assert line == (
        f"ERROR the application's body is {missing} bytes shorter than its Content-Length; "
        "the connection is closed"
    )
    assert client.received.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("blocks", [[b"abcd"], [b"abc", b"d"], [b"ab", b"cd", b"ef", b"gh"]])
def test_long_body_is_cut_and_logged_once(
    serve: Serve, as_body: Callable[[list[bytes]], Any], blocks: list[bytes]
) -> None:
    served = serve(lambda *args: sized(as_body(blocks), 3)(*args))
    client = served.connect()
    for _ in range(2):
        assert client.request().body == b"abc"
        served.logged(LONGER)


def test_long_body_of_large_blocks_is_cut(serve: Serve) -> None:
    served = serve(sized([b"a" * BIG, b"b" * BIG], BIG + 1))
    client = served.connect()
    assert client.request().body == b"a" * BIG + b"b"
    served.logged(LONGER)
    assert client.request().status == 200
    served.logged(LONGER)


def test_no_more_is_asked_of_a_body_that_is_too_long(serve: Serve) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"ab"

    body = Blocks(endless())
    served = serve(sized(body, 3))
    assert served.connect().request().body == b"aba"
    assert body.closed == 1
    assert body.taken < 4
    served.logged(LONGER)


def test_length_zero_means_no_body(serve: Serve) -> None:
    served = serve(sized([b"abc"], 0))
    client = served.connect()
    assert client.request().body == b""
    served.logged(LONGER)
    assert client.request().body == b""
    served.logged(LONGER)


@pytest.mark.parametrize(
    "length",
    [
        *("-1", "-5", "+3", "", " ", "3 3", "\xa03", "3, 3", "5, 5", "0x3", "3.0", "３", "³"),
        *("1_0", "9" * 19),
    ],
)
def test_length_that_is_no_number_gets_a_500(serve: Serve, length: str) -> None:
    served = serve(sized([b"abc"], length))
    client = served.connect()
    answer = client.request()
    assert (answer.status, answer.closes) == (500, True)
    client.expect_end()
    served.logged("Error handling request GET /")


@pytest.mark.parametrize("length", [" 3", "3 ", "\t3\t", "  3  "])
def test_blanks_around_a_length_are_no_part_of_it(serve: Serve, length: str) -> None:
    answer = serve(sized([b"abc"], length)).connect().request()
    assert (answer.status, answer.framing, answer.body) == (200, "length", b"abc")
    assert answer.get("content-length") == "3"


@pytest.mark.parametrize("second", ["3", "4"])
@pytest.mark.parametrize("name", ["Content-Length", "content-length", "CONTENT-LENGTH"])
def test_repeated_length_gets_a_500(serve: Serve, name: str, second: str) -> None:
    served = serve(returning([b"abc"], ("Content-Length", "3"), (name, second)))
    assert served.connect().request().status == 500
    assert "given once" in served.logged("Error handling request GET /")


def test_length_with_leading_zeros_means_what_it_says(serve: Serve) -> None:
    assert serve(sized([b"abc"], "003")).connect().request().body == b"abc"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([b"abc"], b"abc"),
        ((b"abc",), b"abc"),
        (b"abc", b"abc"),
        ([], b""),
        ((), b""),
        (b"", b""),
        ([b""], b""),
        ([b"", b"", b""], b""),
        ([b"", b"a", b"", b"bc", b""], b"abc"),
        ((b"a", b"", b"bc"), b"abc"),
        ([b"x" * BIG], b"x" * BIG),
        ([b"x" * BIG] * 3, b"x" * BIG * 3),
        ([b"x" * BIG, b"", b"y"] * 4, (b"x" * BIG + b"y") * 4),
        ([b"x"] * 5000, b"x" * 5000),
    ],
    ids=lambda value: f"{value!r:.30}",
)
def test_body_that_is_whole_is_counted(serve: Serve, body: Any, expected: bytes) -> None:
    client = serve(returning(body)).connect()
    for _ in range(2):
        answer = client.request()
        assert (answer.framing, answer.body, answer.closes) == ("length", expected, False)


@pytest.mark.parametrize("body", [[], [b"abc"]], ids=repr)
def test_http_1_0_gets_a_counted_body_too(serve: Serve, body: list[bytes]) -> None:
    client = serve(returning(body)).connect()
    client.send(b"GET / HTTP/1.0\r\n\r\n")
    answer = client.read_response()
    assert (answer.framing, answer.body, answer.closes) == ("length", b"".join(body), True)
    client.expect_end()


def counting(served: Served) -> list[bytes]:
    """The blocks of a chunked answer."""
    answer = served.connect().request()
    assert (answer.framing, answer.closes) == ("chunked", False)
    return answer.chunks


def test_body_of_unknown_length_is_chunked_as_it_comes(serve: Serve) -> None:
    assert counting(serve(returning(Blocks([b"a", b"bc", b"d" * BIG])))) == [
        b"a",
        b"bc",
        b"d" * BIG,
    ]


def test_empty_blocks_are_no_chunks(serve: Serve) -> None:
    blocks = [b"", b"a", b"", b"", b"b", b""]
    assert counting(serve(returning(Blocks(blocks)))) == [b"a", b"b"]


@pytest.mark.parametrize("count", [0, 1, 200])
def test_body_of_empty_blocks_alone_is_an_empty_body(serve: Serve, count: int) -> None:
    served = serve(returning(Blocks([b""] * count)))
    client = served.connect()
    for _ in range(2):
        answer = client.request()
        assert (answer.framing, answer.body) == ("length", b"")


def test_many_blocks_arrive_in_order(serve: Serve) -> None:
    blocks = [f"{number};".encode() for number in range(1000)]
    assert counting(serve(returning(Blocks(blocks)))) == blocks


def test_two_long_streams_take_turns(serve: Serve) -> None:
    order: list[str] = []

    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", [])
        for _ in range(300):
            order.append(environ["PATH_INFO"])
            yield b"x"

    served = serve(app)
    clients = [served.connect(), served.connect()]
    for client, target in zip(clients, (b"/a", b"/b"), strict=True):
        client.sock.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: h\r\n\r\n")
    for client in clients:
        assert client.read_response().body == b"x" * 300
    first = "".join(order).replace("/", "")
    assert "a" * 300 not in first
    assert "b" * 300 not in first


@pytest.mark.parametrize(
    "body",
    [["text"], ("text",), "text", [None], [5], [bytearray(b"x")], [memoryview(b"x")], 5, None],
)
def test_what_is_not_bytes_gets_a_500(serve: Serve, body: Any) -> None:
    served = serve(returning(body))
    client = served.connect()
    answer = client.request()
    assert (answer.status, answer.closes) == (500, True)
    assert "TypeError" in served.logged("Error handling request GET /")


def test_what_is_not_bytes_after_the_first_block_cuts_the_answer(serve: Serve) -> None:
    served = serve(returning(Blocks([b"good", "bad"])))
    client = served.connect()
    client.send_request()
    with pytest.raises(ConnectionEnded):
        client.read_response()
    assert "gave str, not bytes" in served.logged("Error handling request GET /")


def test_subclass_of_bytes_is_bytes(serve: Serve) -> None:
    class Text(bytes):
        pass

    assert serve(returning([Text(b"abc")])).connect().request().body == b"abc"
    assert serve(returning(Blocks([Text(b"abc")]))).connect().request().chunks == [b"abc"]


def test_list_that_changes_while_it_is_sent_is_no_danger(serve: Serve) -> None:
    class Sly(list):  # type: ignore[type-arg]
        def __iter__(self) -> Iterator[bytes]:
            self.clear()
            return iter([b"one", b"two"])

    assert serve(returning(Sly([b"x"]))).connect().request().body == b"onetwo"
