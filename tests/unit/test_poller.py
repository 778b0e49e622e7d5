"""Both pollers keep the same promises, and a hub serves the same with either."""

from __future__ import annotations

import os
import select
import selectors
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from fastfork import unpatched
from fastfork.workers import poller as pollers
from fastfork.workers.poller import EpollPoller, Poller, SelectorsPoller
from tests.kit.blocks import Blocks, asking, path, returning
from tests.kit.inproc import Served, descriptors
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]

IN, OUT = pollers.READABLE, pollers.WRITABLE


@pytest.fixture(params=["EpollPoller", "DefaultSelector", "PollSelector", "SelectSelector"])
def poller(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Poller]:
    if request.param != "EpollPoller":
        monkeypatch.setattr(unpatched, "selector_class", lambda: getattr(selectors, request.param))
    made = EpollPoller() if request.param == "EpollPoller" else SelectorsPoller()
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, two = socket.socketpair()
    one.setblocking(False)
    yield one, two
    one.close()
    two.close()


Pair = tuple[socket.socket, socket.socket]


def test_epoll_is_used_where_it_is() -> None:
    made = pollers.make_poller()
    made.close()
    assert isinstance(made, EpollPoller)


def test_selectors_are_used_where_epoll_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(select, "epoll")
    made = pollers.make_poller()
    made.close()
    assert isinstance(made, SelectorsPoller)


def test_nothing_happens_for_as_long_as_was_asked(poller: Poller, pair: Pair) -> None:
    poller.register(pair[0].fileno(), IN)
    assert poller.poll(0.0) == []
    assert poller.poll(0.01) == []


def test_readable_is_reported_until_it_is_read(poller: Poller, pair: Pair) -> None:
    fd = pair[0].fileno()
    poller.register(fd, IN)
    pair[1].send(b"x")
    for _ in range(2):
        assert poller.poll(1.0) == [(fd, IN)]
    pair[0].recv(1)
    assert poller.poll(0.0) == []


def test_writable_is_reported_when_it_is_asked_for(poller: Poller, pair: Pair) -> None:
    fd = pair[0].fileno()
    poller.register(fd, IN)
    poller.modify(fd, OUT)
    assert poller.poll(1.0) == [(fd, OUT)]
    poller.modify(fd, IN)
    assert poller.poll(0.0) == []


def test_both_are_reported_together(poller: Poller, pair: Pair) -> None:
    fd = pair[0].fileno()
    poller.register(fd, IN | OUT)
    pair[1].send(b"x")
    assert poller.poll(1.0) == [(fd, IN | OUT)]


def test_nothing_is_reported_while_nothing_is_asked_for(poller: Poller, pair: Pair) -> None:
    fd = pair[0].fileno()
    poller.register(fd, IN)
    poller.modify(fd, 0)
    pair[1].send(b"x")
    assert poller.poll(0.0) == []
    poller.modify(fd, IN)
    assert poller.poll(1.0) == [(fd, IN)]


@pytest.mark.parametrize("mask", [0, IN, OUT, IN | OUT])
def test_forgotten_descriptor_can_be_registered_again(
    poller: Poller, pair: Pair, mask: int
) -> None:
    fd = pair[0].fileno()
    poller.register(fd, IN)
    poller.modify(fd, mask)
    poller.unregister(fd)
    pair[1].send(b"x")
    assert poller.poll(0.0) == []
    poller.register(fd, IN)
    assert poller.poll(1.0) == [(fd, IN)]


def test_end_of_the_other_side_wakes(poller: Poller, pair: Pair) -> None:
    fd = pair[0].fileno()
    poller.register(fd, IN)
    pair[1].close()
    ((found, mask),) = poller.poll(1.0)
    assert found == fd
    assert mask & IN


def test_number_of_a_closed_descriptor_can_be_used_again(poller: Poller) -> None:
    for _ in range(3):
        one, two = socket.socketpair()
        fd = one.fileno()
        poller.register(fd, IN)
        two.send(b"x")
        assert poller.poll(1.0) == [(fd, IN)]
        if poller.keeps_closed:
            poller.unregister(fd)
        one.close()
        two.close()
        assert poller.poll(0.0) == []


def test_listener_wakes(poller: Poller) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        poller.register_listener(listener.fileno())
        assert poller.poll(0.0) == []
        with socket.create_connection(listener.getsockname()):
            assert poller.poll(1.0) == [(listener.fileno(), IN)]
            poller.unregister(listener.fileno())
            assert poller.poll(0.0) == []


def test_closed_poller_has_given_its_descriptor_back() -> None:
    before = descriptors()
    for kind in (EpollPoller, SelectorsPoller):
        kind().close()
    assert len(descriptors()) == len(before)


# -- a hub with either


@pytest.fixture
def served(poller: Poller, serve: Serve) -> Callable[..., Served]:
    return lambda app, **settings: serve(app, poller=poller, **settings)


Make = Callable[..., Served]


def test_hub_serves_many_requests_of_many_clients(served: Make) -> None:
    hub = served(path)
    clients = [hub.connect() for _ in range(30)]
    for turn in range(3):
        for number, client in enumerate(clients):
            client.sock.sendall(b"GET /%d/%d HTTP/1.1\r\nHost: h\r\n\r\n" % (number, turn))
        for number, client in enumerate(clients):
            assert client.read_response().body == b"/%d/%d" % (number, turn)


def test_hub_reuses_numbers_of_closed_descriptors(served: Make) -> None:
    hub = served(path)
    for _ in range(20):
        kept = hub.connect()
        assert kept.request().status == 200
        kept.close()
        closing = hub.connect()
        assert closing.request(fields=[("Connection", "close")]).status == 200
        closing.expect_end()
        closing.close()
    hub.turn_until(lambda: hub.hub.connections.count == 0, "all are closed")


def test_hub_sends_to_a_slow_reader_while_another_is_served(served: Make) -> None:
    stream = Blocks([b"x" * 50_000] * 20)
    hub = served(asking({"/slow": returning(stream), "/": path}), small_buffers=True)
    slow, quick = hub.connect(), hub.connect()
    slow.send_request("GET", "/slow")
    taken = stream.taken
    assert taken < 20
    for _ in range(5):
        assert quick.request().status == 200
    assert stream.taken == taken
    assert slow.read_response().body == b"x" * 1_000_000
    assert slow.request("GET", "/").body == b"/"


def test_hub_rests_while_a_client_sends_what_is_not_read_yet(served: Make) -> None:
    stream = Blocks([b"x" * 50_000] * 20)
    hub = served(asking({"/0": returning(stream), "/1": path}), small_buffers=True)
    client = hub.connect()
    client.sock.sendall(b"GET /0 HTTP/1.1\r\nHost: h\r\n\r\n")
    hub.settle()
    client.sock.sendall(b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\n")
    hub.settle()  # fails if the unread bytes keep it busy
    assert client.read_response().body == b"x" * 1_000_000
    assert client.read_response().body == b"/1"


@pytest.mark.parametrize("leave", ["close", "reset", "half_close"])
def test_hub_notices_a_client_that_leaves_in_the_middle(served: Make, leave: str) -> None:
    stream = Blocks([b"x" * 50_000] * 100)
    hub = served(returning(stream), small_buffers=True, write_timeout=0.2)
    client = hub.connect()
    client.send_request()
    getattr(client, leave)()
    hub.settle()
    hub.turn_until(lambda: hub.hub.connections.count == 0, "the client is noticed")
    assert stream.closed == 1


def test_hub_receives_bodies(served: Make) -> None:
    def echo(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [environ["wsgi.input"].read()]

    hub = served(echo, spool_after=100_000)
    client = hub.connect()
    for size in (0, 1, 100_000, 1_000_000):
        assert client.request("POST", "/", body=b"x" * size).body == b"x" * size


def test_hub_times_out_and_lingers(served: Make) -> None:
    hub = served(path, keepalive=0.05, header_timeout=0.05)
    idle, half = hub.connect(), hub.connect()
    idle.request()
    half.send(b"GET / HT")
    idle.expect_end()
    assert half.read_response().status == 408
    half.expect_end()


def test_hub_stops_and_begins_to_listen(served: Make) -> None:
    hub = served(path, connections=1)
    for _ in range(5):
        first, second = hub.connect(), hub.connect()
        assert first.request().status == 200
        second.sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        second.expect_nothing()
        first.close()
        assert second.read_response().status == 200
        second.close()
        hub.turn_until(lambda: hub.hub.connections.count == 0, "all are closed")


def test_hub_forgets_a_socket_that_the_application_copied(served: Make) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        kept.append(environ["fastfork.socket"].dup())
        return path(environ, start_response)

    kept: list[socket.socket] = []
    hub = served(app)
    for _ in range(3):
        client = hub.connect()
        client.request(fields=[("Connection", "close")])
        client.close()
        hub.turn_until(lambda: hub.hub.connections.count == 0, "the connection is closed")
        hub.settle()
    for copy in kept:
        copy.close()


def test_hub_calls_readers_of_other_descriptors(served: Make) -> None:
    hub = served(path)
    reading, writing = os.pipe()
    called: list[bytes] = []
    hub.hub.connections.add_reader(reading, lambda: called.append(os.read(reading, 10)))
    os.write(writing, b"wake")
    hub.settle()
    assert called == [b"wake"]
    hub.poller.unregister(reading)
    os.close(reading)
    os.close(writing)
