"""How a call ends that has taken its socket, and what TLS makes of the socket."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.kit.speaking import PLAIN, UPGRADE, Speaking, end, gone
from tests.kit.tls import HubTlsClient
from tests.unit.conftest import Secure, Serve

Environ = dict[str, Any]
Start = Callable[..., Any]


# -- how the call ends


def test_call_is_logged_as_a_switch_of_protocols(serve: Serve) -> None:
    served = serve(Speaking(lambda sock: sock.sendall(b"x")), access="%(r)s %(s)s %(b)s")
    client = served.connect()
    client.send(UPGRADE)
    assert client._more() == b"x"
    end(served, client)
    served.hub.flush_access_log()
    assert [line.strip() for line in served.access_lines] == ["GET /ws HTTP/1.1 101 -"]


@pytest.mark.parametrize(
    "ending", [StopIteration(), ConnectionResetError("gone")], ids=["StopIteration", "OSError"]
)
def test_usual_ends_of_a_call_are_not_told(serve: Serve, ending: Exception) -> None:
    served = serve(Speaking(lambda sock: sock.sendall(b"x"), ending))
    client = served.connect()
    client.send(UPGRADE)
    assert client._more() == b"x"
    end(served, client)
    assert served.log == []


def test_error_of_a_call_that_has_taken_the_socket_is_one_line(serve: Serve) -> None:
    served = serve(Speaking(lambda sock: sock.sendall(b"x"), LookupError("no such room")))
    client = served.connect()
    client.send(UPGRADE)
    assert client._more() == b"x"
    end(served, client)
    line = served.logged("the call that took the socket of GET /ws ended with LookupError")
    assert "no such room" in line
    assert "speaking.py:" in line
    assert "\n" not in line


def test_stop_iteration_without_taking_the_socket_is_a_500(serve: Serve) -> None:
    served = serve(Speaking(id, StopIteration()))
    client = served.connect()
    client.send(UPGRADE)
    assert client.read_response().status == 500
    served.logged("Error handling request GET /ws")


def test_last_words_are_read_though_the_client_still_speaks(serve: Serve) -> None:
    served = serve(Speaking(lambda sock: sock.sendall(b"bye")))
    client = served.connect()
    client.send(UPGRADE)
    client.send(b"not read by anybody" * 100)
    client.send(b"nor this")
    assert client._more() == b"bye"
    end(served, client)


def test_thread_that_still_reads_hears_of_the_end(serve: Serve) -> None:
    heard: list[bytes | OSError] = []

    def read(sock: Any) -> None:
        try:
            while data := sock.recv(10):
                heard.append(data)
            heard.append(b"")
        except OSError as error:
            heard.append(error)

    threads: list[threading.Thread] = []

    def speak(sock: Any) -> None:
        sock.sendall(b"x")
        threads.append(threading.Thread(target=read, args=(sock,)))
        threads[0].start()

    served = serve(Speaking(speak), linger=0.1)
    client = served.connect()
    client.send(UPGRADE)
    assert client._more() == b"x"
    gone(served)
    threads[0].join(10)
    assert not threads[0].is_alive()
    assert len(heard) == 1


def test_call_counts_as_answered_and_not_as_an_answer_that_took_long(serve: Serve) -> None:
    served = serve(Speaking(lambda sock: sock.sendall(b"x")))
    client = served.connect()
    client.send(UPGRADE)
    assert client._more() == b"x"
    end(served, client)
    words = memoryview(served.slot).cast("q")
    assert (words[64], words[65], words[74], sum(words[76:108])) == (0, 1, 0, 0)


def test_long_call_is_told_that_the_worker_leaves(serve: Serve) -> None:
    seen: list[bool] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        with environ["fastfork.socket"].detach():
            seen.append(environ["fastfork.socket"].leaving)
            served.hub.site.draining = True
            seen.append(environ["fastfork.socket"].leaving)
        return []

    served = serve(app)
    client = served.connect()
    client.send(UPGRADE)
    client.expect_end()
    assert seen == [False, True]


# -- TLS


def test_it_speaks_through_tls(secure: Secure, context: ssl.SSLContext) -> None:
    def speak(sock: Any) -> None:
        sock.sendall(b"secret " + sock.recv(5))

    served = secure(Speaking(speak))
    client = HubTlsClient(served, context)
    client.send(UPGRADE + b"12345")
    assert client._more() == b"secret 12345"
    end(served, client)


def test_detached_socket_speaks_through_tls(secure: Secure, context: ssl.SSLContext) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        with environ["fastfork.socket"].detach() as sock:
            assert sock.getblocking() is False
            with pytest.raises(BlockingIOError):
                sock.recv(1)
            sock.setblocking(True)
            sock.sendall(b"secret")
        return []

    served = secure(app)
    client = HubTlsClient(served, context)
    client.send(UPGRADE)
    assert client._more() == b"secret"
    client.expect_end()


def test_looking_at_it_takes_nothing_of_a_connection_with_tls(
    secure: Secure, context: ssl.SSLContext
) -> None:
    def speak(sock: Any) -> Any:
        assert not hasattr(sock, "nonsense")
        with pytest.raises(ValueError, match="flags"):
            sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        return sock.getpeercert(), sock.version(), sock.cipher()[0], sock.getpeername()

    app = Speaking(speak)
    client = HubTlsClient(secure(app), context)
    client.send(PLAIN)
    assert client.read_response().status == 500
    version = context.minimum_version.name.replace("_", ".").replace("v1.", "v1.")
    assert app.said[0] is None
    assert app.said[1] == version
    assert app.said[3] == client.sock.getsockname()
