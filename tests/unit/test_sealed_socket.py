"""What an application speaks on that has taken a connection with TLS: SealedSocket."""

from __future__ import annotations

import io
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from fastfork.net.taken import SealedSocket
from tests.kit.files import content
from tests.kit.tls import NAME, Authority, Pair

LARGE = content(3 << 20)


class Both:
    """ours: the server's end.  theirs: an SSLSocket of the client."""

    def __init__(self, context: ssl.SSLContext, pair: Pair, rest: bytes = b"") -> None:
        end, other = socket.socketpair()
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(pair.certificate, pair.key)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = server.wrap_bio(incoming, outgoing, server_side=True)
        made: list[ssl.SSLSocket] = []
        aside = in_thread(lambda: made.append(_client(context, other)))
        is_agreed = False
        while not is_agreed:
            try:
                tls.do_handshake()
                is_agreed = True
            except ssl.SSLWantReadError:
                pass
            end.sendall(outgoing.read())
            if not is_agreed:
                incoming.write(end.recv(1 << 16))
        aside.join(10)
        self.theirs = made[0]
        self.theirs.settimeout(10)
        end.settimeout(10)
        self.raw = end
        self.ours = SealedSocket(end, rest, tls, incoming, outgoing)


def _client(context: ssl.SSLContext, sock: socket.socket) -> ssl.SSLSocket:
    return context.wrap_socket(sock, server_hostname=NAME, suppress_ragged_eofs=False)


def in_thread(call: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


@pytest.fixture
def both(context: ssl.SSLContext, pair: Pair, authority: Authority) -> Iterator[Both]:
    made = Both(context, pair)
    yield made
    made.ours.close()
    made.raw.close()
    made.theirs.close()


def take(sock: ssl.SSLSocket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        got += sock.recv(1 << 16)
    return got


def test_both_ends_hear_what_is_said(both: Both) -> None:
    both.theirs.sendall(b"hello")
    assert both.ours.recv(3) == b"hel"
    assert both.ours.pending() == 2
    buffer = bytearray(10)
    assert both.ours.recv_into(buffer) == 2
    both.ours.sendall(b"hi")
    assert both.theirs.recv(10) == b"hi"
    assert both.ours.fileno() == both.raw.fileno()


def test_rest_is_read_first(context: ssl.SSLContext, pair: Pair) -> None:
    made = Both(context, pair, b"rest")
    made.theirs.sendall(b"more")
    with made.ours as sock, made.theirs:
        assert sock.pending() == 4
        assert sock.makefile("rb").read(8) == b"restmore"


def both_ways(client: ssl.SSLSocket, data: bytes) -> bytes:
    """Send `data`, and return as many bytes of what comes meanwhile.

    In one thread: up to Python 3.12 an SSLSocket is for one at a time."""
    client.setblocking(False)
    got, left = bytearray(), memoryview(data)
    while left or len(got) < len(data):
        before = len(got), len(left)
        with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            if left:
                left = left[client.send(left) :]
        with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            got += client.recv(1 << 16)
        if before == (len(got), len(left)):
            ready = select.select([client], [client] if left else [], [], 30)
            assert ready[0] or ready[1], "nothing moves"
    return bytes(got)


def test_much_goes_both_ways_at_the_same_time(both: Both) -> None:
    heard = io.BytesIO()

    def hear() -> None:
        while heard.tell() < len(LARGE):
            heard.write(both.ours.recv(5000))

    threads = [in_thread(hear), in_thread(lambda: both.ours.sendall(LARGE))]
    assert both_ways(both.theirs, LARGE) == LARGE
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert heard.getvalue() == LARGE


def test_threads_that_send_do_not_mix_their_records(both: Both) -> None:
    words = [bytes([letter]) * 1000 for letter in b"abcdefgh"]
    threads = [
        in_thread(lambda word=word: [both.ours.send(word) for _ in range(50)])  # type: ignore[misc]
        for word in words
    ]
    got = take(both.theirs, 8 * 50 * 1000)
    for thread in threads:
        thread.join(10)
    pieces = [got[at : at + 1000] for at in range(0, len(got), 1000)]
    assert all(piece in words for piece in pieces)
    assert sorted(pieces) == sorted(words * 50)


def test_one_that_does_not_wait_says_so(both: Both) -> None:
    both.ours.setblocking(False)
    with pytest.raises(BlockingIOError):
        both.ours.recv(10)
    count = 0
    try:
        while True:
            count += both.ours.send(LARGE[count:])
    except BlockingIOError:
        pass
    assert 0 < count < len(LARGE)
    both.ours.settimeout(10)
    aside = in_thread(lambda: both.ours.sendall(LARGE[count:]))
    assert take(both.theirs, len(LARGE)) == LARGE
    aside.join(10)


def test_timeout_is_a_timeout(both: Both) -> None:
    both.ours.settimeout(0.01)
    with pytest.raises(TimeoutError):
        both.ours.recv(10)
    assert both.ours.gettimeout() == 0.01


def test_close_says_goodbye(both: Both) -> None:
    both.ours.sendall(b"bye")
    both.ours.close()
    both.ours.close()
    assert both.theirs.recv(10) == b"bye"
    assert both.theirs.recv(10) == b""  # an SSLEOFError without it
    assert both.ours.fileno() == -1


def test_files_keep_it_open(both: Both) -> None:
    file = both.ours.makefile("wb")
    both.ours.close()
    file.write(b"still")
    file.flush()
    assert both.theirs.recv(10) == b"still"
    file.close()
    assert both.ours.fileno() == -1


def test_shutdown_ends_what_is_sent_and_nothing_else(both: Both) -> None:
    both.ours.shutdown(socket.SHUT_WR)
    assert both.theirs.recv(10) == b""


@pytest.mark.parametrize("politely", [True, False])
def test_end_of_the_client_is_an_end(both: Both, politely: bool) -> None:
    both.theirs.sendall(b"x")
    if politely:
        aside = in_thread(both.theirs.unwrap)
    else:
        socket.socket.shutdown(both.theirs, socket.SHUT_WR)
    assert both.ours.recv(10) == b"x"
    assert both.ours.recv(10) == b""
    assert both.ours.recv(10) == b""
    both.ours.close()
    if politely:
        aside.join(10)


def test_it_knows_what_an_sslsocket_knows(both: Both) -> None:
    assert both.ours.version() == both.theirs.version()
    assert both.ours.getpeercert() is None
    with pytest.raises(AttributeError):
        both.ours.nonsense()


def test_what_cannot_be_is_refused(both: Both) -> None:
    with pytest.raises(RuntimeError, match="encrypted"):
        both.ours.detach()
    with pytest.raises(io.UnsupportedOperation):
        both.ours.dup()
    with pytest.raises(ValueError, match="flags"):
        both.ours.recv(1, socket.MSG_PEEK)
    with pytest.raises(ValueError, match="flags"):
        both.ours.send(b"x", socket.MSG_DONTWAIT)
    with pytest.raises(AttributeError, match="use recv"):
        both.ours.recvfrom(1)
