"""What the access log is told of each request."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.kit.blocks import Blocks, path, returning
from tests.kit.inproc import App, Served
from tests.kit.response import ConnectionEnded
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]

FORMAT = '"%(r)s" %(s)s %(b)s %(B)s'


def lines(served: Served) -> list[str]:
    """The lines that were logged until now."""
    served.settle()
    served.hub.flush_access_log()
    return served.access_lines


@pytest.mark.parametrize(
    ("app", "method", "line"),
    [
        (returning([b"abc"]), "GET", '"GET /x?q HTTP/1.1" 200 3 3'),
        (returning([b"abc"], status="404 No"), "GET", '"GET /x?q HTTP/1.1" 404 3 3'),
        (returning(Blocks([b"abc", b"de"])), "GET", '"GET /x?q HTTP/1.1" 200 5 5'),
        (returning([b"a" * 99_999]), "GET", '"GET /x?q HTTP/1.1" 200 99999 99999'),
        (returning([]), "GET", '"GET /x?q HTTP/1.1" 200 - 0'),
        (returning([b"abc"]), "HEAD", '"HEAD /x?q HTTP/1.1" 200 - 0'),
        (returning([b"abc"], status="304 Same"), "GET", '"GET /x?q HTTP/1.1" 304 - 0'),
    ],
)
def test_line_has_request_status_and_size_of_the_body(
    serve: Serve, app: App, method: str, line: str
) -> None:
    served = serve(app, access=FORMAT)
    client = served.connect()
    for _ in range(2):
        client.request(method, "/x?q")
    assert lines(served) == [line, line]


def test_line_has_peer_fields_and_response_fields(serve: Serve) -> None:
    access = "%(h)s %(f)s %(a)s %({x-in}i)s %({x-out}o)s %({REQUEST_METHOD}e)s"
    served = serve(returning([b"x"], ("X-Out", "out")), access=access)
    client = served.connect()
    client.request(fields=[("X-In", "in"), ("Referer", "r"), ("User-Agent", "u")])
    assert lines(served) == ["127.0.0.1 r u in out GET"]


def test_time_is_measured(serve: Serve) -> None:
    served = serve(path, access="%(D)s %(M)s %(T)s %(L)s")
    served.connect().request()
    micros, millis, seconds, decimal = lines(served)[0].split()
    assert 0 < int(micros) < 5_000_000
    assert (int(millis), int(seconds)) == (int(micros) // 1000, 0)
    assert float(decimal) == pytest.approx(int(micros) / 1e6, abs=2e-6)


def test_pipelined_requests_have_a_line_each_in_order(serve: Serve) -> None:
    served = serve(path, access="%(U)s")
    client = served.connect()
    client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % n for n in range(20)))
    assert lines(served) == [f"/{number}" for number in range(20)]


@pytest.mark.parametrize(
    ("sent", "line"),
    [
        (b"nonsense\r\n\r\n", '"nonsense - -" 400 '),
        (b"GET /x HTTP/1.1\r\n\r\n", '"GET /x HTTP/1.1" 400 '),
        (b"GET /x HTTP/9.9\r\n\r\n", '"GET /x HTTP/9.9" 505 '),
        (b"\r\nGET /a b HTTP/1.1\r\n\r\n", '"GET /a b HTTP/1.1" 400 '),
        (b"GET /\x00 HTTP/1.1\r\n\r\n", '"GET /\\x00 HTTP/1.1" 400 '),
        (b"GET /\n127.0.0.1 forged\r\n\r\n", '"GET / -" 400 '),
        (b'GET /" 200 \xe9\r\n\r\n', '"GET /\\x22 200 \\xE9" 400 '),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", f'"GET /{"x" * 235} -" 414 '),
    ],
)
def test_refused_request_has_a_line_with_what_is_known(
    serve: Serve, sent: bytes, line: str
) -> None:
    served = serve(path, access="%(h)s " + FORMAT)
    served.connect().send(sent)
    (made,) = lines(served)
    assert made.startswith(f"127.0.0.1 {line}")
    served.logged("Invalid request")


def test_refused_body_has_the_line_of_its_request(serve: Serve) -> None:
    served = serve(path, access=FORMAT)
    served.connect().send(
        b"POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    )
    (made,) = lines(served)
    assert made.startswith('"POST /up HTTP/1.1" 400 ')
    served.logged("Invalid request")


def test_head_that_takes_too_long_has_a_line_with_what_came(serve: Serve) -> None:
    served = serve(path, access=FORMAT, header_timeout=0.1)
    client = served.connect()
    client.send(b"GET /slow HTTP/1.1\r\nHost:")
    assert client.read_response().status == 408
    (made,) = lines(served)
    assert made.startswith('"GET /slow HTTP/1.1" 408 ')


def test_failed_request_is_a_500_in_the_log(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        raise LookupError

    served = serve(app, access='"%(r)s" %(s)s')
    served.connect().request("GET", "/x")
    assert lines(served) == ['"GET /x HTTP/1.1" 500']
    served.logged("Error handling request")


def test_answer_that_was_cut_has_a_line_with_what_was_sent(serve: Serve) -> None:
    served = serve(returning(Blocks([b"abc", LookupError()])), access=FORMAT)
    client = served.connect()
    client.send_request()
    with pytest.raises(ConnectionEnded):
        client.read_response()
    assert lines(served) == ['"GET / HTTP/1.1" 200 3 3']
    served.logged("Error handling request")


def test_client_that_vanished_has_a_line(serve: Serve) -> None:
    served = serve(
        returning(Blocks([b"x" * 10_000] * 1000)), access="%(r)s %(s)s", small_buffers=True
    )
    client = served.connect()
    client.send_request()
    client.reset()
    served.turn_until(lambda: served.hub.connections.count == 0, "the connection is closed")
    assert lines(served) == ["GET / HTTP/1.1 200"]


def test_request_cannot_forge_a_line(serve: Serve) -> None:
    served = serve(path, access='"%(r)s" "%(a)s"')
    client = served.connect()
    client.request("GET", '/"x', fields=[("User-Agent", 'a" "b\\ \u00e9\tc')])
    assert lines(served) == ['"GET /\\x22x HTTP/1.1" "a\\x22 \\x22b\\x5C \\xE9\\x09c"']


def test_lines_are_written_without_another_request(serve: Serve) -> None:
    served = serve(path, access="%(U)s")
    served.connect().request("GET", "/alone")
    served.turn_until(lambda: served.access_lines, "the line is written")
    assert served.access_lines == ["/alone"]


def test_nothing_is_kept_when_there_is_no_access_log(serve: Serve) -> None:
    served = serve(path)
    served.connect().request()
    assert lines(served) == []
