"""`gunicorn.socket`: what takes the connection, what does not, and what becomes of it."""

from __future__ import annotations

import copy
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.kit.speaking import PLAIN, UPGRADE, Speaking, end, gone
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]
# -- what takes it


@pytest.mark.parametrize("ask", [PLAIN, UPGRADE], ids=["plain", "upgrade"])
def test_socket_speaks_for_the_application_alone(serve: Serve, ask: bytes) -> None:
    app = Speaking(lambda sock: sock.sendall(b"raw"), StopIteration())
    served = serve(app)
    client = served.connect()
    assert client.request("GET", "/before").body == b"/before"
    client.send(ask)
    assert client._more() == b"raw"
    end(served, client)


USES: dict[str, Callable[[Any], Any]] = {
    "send": lambda sock: sock.send(b"x"),
    "sendall": lambda sock: sock.sendall(b"x"),
    "makefile": lambda sock: sock.makefile("wb").close(),
    "settimeout": lambda sock: sock.settimeout(1),
    "setblocking": lambda sock: sock.setblocking(True),
    "dup": lambda sock: sock.dup().close(),
    "shutdown": lambda sock: sock.shutdown(socket.SHUT_RD),
    "close": lambda sock: sock.close(),
    "with": lambda sock: sock.__enter__(),
    "pending": lambda sock: sock.pending(),
}


@pytest.mark.parametrize("use", USES)
def test_using_it_takes_the_connection(serve: Serve, use: str) -> None:
    served = serve(Speaking(USES[use]))
    client = served.connect()
    client.send(PLAIN)
    assert client._more() == (b"x" if use.startswith("send") else b"")
    client.close()
    gone(served)


def test_it_blocks_and_has_the_attributes_of_a_socket(serve: Serve) -> None:
    def speak(sock: Any) -> None:
        assert (sock.getblocking(), sock.gettimeout(), sock.timeout) == (True, None, None)
        sock.sendall(b"x")
        assert (sock.getblocking(), sock.gettimeout(), sock.timeout) == (True, None, None)
        assert sock.family == socket.AF_INET
        assert sock.type == socket.SOCK_STREAM
        assert sock.get_inheritable() is False
        sock.settimeout(3)
        assert sock.timeout == 3

    served = serve(Speaking(speak))
    client = served.connect()
    client.send(UPGRADE)
    assert client._more() == b"x"
    end(served, client)


def test_every_thread_may_use_it_after_an_upgrade(serve: Serve) -> None:
    def speak(sock: Any) -> None:
        thread = threading.Thread(target=sock.sendall, args=(b"from aside",))
        thread.start()
        thread.join()

    served = serve(Speaking(speak))
    client = served.connect()
    client.send(UPGRADE)
    assert client._more() == b"from aside"
    end(served, client)


# -- what does not


def looks(sock: Any) -> tuple[Any, ...]:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    repr(sock), copy.copy({"gunicorn.socket": sock}), copy.copy(sock)
    assert callable(sock.recv)
    assert not hasattr(sock, "getpeercert")
    assert not hasattr(sock, "nonsense")
    with pytest.raises(BlockingIOError):
        sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    return (
        sock.getpeername(),
        sock.getsockname(),
        sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY),
        sock.family,
        sock.type,
        sock.proto,
    )


@pytest.mark.parametrize("ask", [PLAIN, UPGRADE], ids=["plain", "upgrade"])
def test_looking_at_it_takes_nothing(serve: Serve, ask: bytes) -> None:
    app = Speaking(looks)
    served = serve(app)
    client = served.connect()
    for _ in range(2):
        client.send(ask)
        assert client.read_response().status == 500
        assert app.said == (
            client.sock.getsockname(), client.sock.getpeername(), 1,
            socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP,
        )  # fmt: skip
    assert client.request("GET", "/after").body == b"/after"


def test_descriptor_of_an_ordinary_request_can_be_waited_on(serve: Serve) -> None:
    client = serve(Speaking(lambda sock: sock.fileno())).connect()
    client.send(PLAIN)
    assert client.read_response().status == 500


def test_descriptor_of_an_upgrade_is_the_applications(serve: Serve) -> None:
    def speak(sock: Any) -> None:
        with socket.socket(fileno=sock.fileno()) as same:
            assert same.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM
            same.sendall(b"x")
            same.detach()

    served = serve(Speaking(speak))
    client = served.connect()
    client.send(UPGRADE)
    assert client._more() == b"x"
    end(served, client)


@pytest.mark.parametrize("ask", [PLAIN, UPGRADE], ids=["plain", "upgrade"])
def test_it_is_of_no_use_when_its_request_is_over(serve: Serve, ask: bytes) -> None:
    app = Speaking(id)
    client = serve(app).connect()
    client.send(ask)
    client.read_response()
    with pytest.raises(RuntimeError, match="only while its request is being answered"):
        app.sock.send(b"x")
    assert client.request("GET", "/after").body == b"/after"


def test_that_of_an_earlier_upgrade_does_not_take_a_later_request(serve: Serve) -> None:
    kept: list[Any] = []

    def speak(sock: Any) -> None:
        kept.append(sock)
        with pytest.raises(RuntimeError) if len(kept) > 1 else pytest.raises(AttributeError):
            kept[0].send(b"x") if len(kept) > 1 else kept[0].nonsense()

    client = serve(Speaking(speak)).connect()
    for _ in range(2):
        client.send(UPGRADE)
        assert client.read_response().status == 500


def test_other_threads_have_no_socket_of_an_ordinary_request(serve: Serve) -> None:
    failures: list[BaseException] = []

    def attempt(sock: Any) -> None:
        try:
            sock.send(b"x")
        except RuntimeError as error:
            failures.append(error)

    def speak(sock: Any) -> None:
        thread = threading.Thread(target=attempt, args=(sock,))
        thread.start()
        thread.join()

    client = serve(Speaking(speak)).connect()
    client.send(PLAIN)
    assert client.read_response().status == 500
    assert "only by the thread that answers it" in str(failures[0])


# -- bytes behind the head


@pytest.mark.parametrize("own", [False, True], ids=["gunicorn", "detach"])
def test_bytes_behind_the_request_are_read_first(serve: Serve, own: bool) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        if own:
            sock = environ["fastfork.socket"].detach()
            sock.setblocking(True)
        else:
            sock = environ["gunicorn.socket"]
        with sock:
            sock.sendall(b"101 ")
            buffer = bytearray(3)
            assert sock.recv_into(buffer, 2) == 2
            assert sock.recv(1, socket.MSG_PEEK) == b"r"
            assert sock.pending() == 3
            client.sock.sendall(b"2nd")
            rest = sock.makefile("rb").read(6)
            sock.sendall(bytes(buffer[:2]) + b"|" + rest)
        return []

    client = serve(app).connect()
    client.send(UPGRADE + b"first")
    got = b""
    while piece := client._more():
        got += piece
    assert got == b"101 fi|rst2nd"


def test_bytes_behind_a_body_are_read_too(serve: Serve) -> None:
    def speak(sock: Any) -> None:
        sock.sendall(sock.recv(10).upper())

    served = serve(Speaking(speak))
    client = served.connect()
    client.send(UPGRADE.replace(b"\r\n\r\n", b"\r\nContent-Length: 4\r\n\r\nbodyrest"))
    assert client._more() == b"REST"
    end(served, client)
