"""Listening sockets: made, inherited, refused, removed."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastfork.address import Address, FdAddress, TcpAddress, UnixAddress, parse
from fastfork.errors import ConfigError
from fastfork.net import Listener, close_listeners, listeners, open_listeners


class Opener:
    """Opens listeners, notes the pauses between attempts, and closes all at the end."""

    def __init__(self) -> None:
        self.opened: list[Listener] = []
        self.pauses: list[float] = []

    def __call__(self, *addresses: Address) -> list[Listener]:
        found = open_listeners(addresses, 16, pause=self.pauses.append)
        self.opened += found
        return found


@pytest.fixture
def opener() -> Iterator[Opener]:
    opener = Opener()
    yield opener
    close_listeners(opener.opened)


def connects(sock: socket.socket) -> bool:
    with socket.socket(sock.family) as client:
        client.settimeout(5)
        return client.connect_ex(sock.getsockname()) == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "0.0.0.0"])
def test_tcp_listener_takes_connections_and_tells_its_port(opener: Opener, host: str) -> None:
    (listener,) = opener(TcpAddress(host, 0))
    assert isinstance(listener.address, TcpAddress)
    assert listener.address.port == listener.sock.getsockname()[1] != 0
    assert connects(listener.sock)


def test_tcp_listener_is_as_workers_need_it(opener: Opener) -> None:
    sock = opener(TcpAddress("127.0.0.1", 0))[0].sock
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
    assert not sock.getblocking()
    assert not sock.get_inheritable()


def test_name_with_both_kinds_of_address_means_ipv4_as_with_gunicorn(opener: Opener) -> None:
    assert opener(TcpAddress("localhost", 0))[0].sock.family == socket.AF_INET


def test_address_in_use_is_tried_five_times_and_then_refused_in_one_line(opener: Opener) -> None:
    (first,) = opener(TcpAddress("127.0.0.1", 0))
    with pytest.raises(ConfigError, match=r"^bind: http://127.0.0.1:\d+ is in use; [^\n]*$"):
        opener(first.address)
    assert opener.pauses == [1.0] * 4


def test_address_that_gets_free_meanwhile_is_taken(opener: Opener) -> None:
    (first,) = opener(TcpAddress("127.0.0.1", 0))
    second = open_listeners([first.address], 1, pause=lambda _seconds: first.sock.close())
    close_listeners(second)
    assert second[0].address == first.address


def test_failure_closes_what_was_open_already(opener: Opener, tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    (taken,) = opener(TcpAddress("127.0.0.1", 0))
    with pytest.raises(ConfigError):
        opener(UnixAddress(str(path)), taken.address)
    assert not path.exists()


@pytest.mark.parametrize(
    ("address", "line"),
    [
        (TcpAddress("no-such-host.invalid", 80), "the host 'no-such-host.invalid' is not known"),
        (TcpAddress("192.0.2.1", 0), "this machine has no address 192.0.2.1"),
        (UnixAddress("/no/such/directory/app.sock"), "there is no directory /no/such/directory"),
        (FdAddress(999), "file descriptor 999 is not an inherited socket"),
    ],
)
def test_bad_address_is_one_clear_line(opener: Opener, address: Address, line: str) -> None:
    with pytest.raises(ConfigError) as refused:
        opener(address)
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (2, "unix:/no/app.sock: there is no directory /no; make it, or choose another path"),
        (13, "unix:/no/app.sock: this user may not make a file in /no; choose another path"),
    ],
)
def test_path_that_cannot_be_made_says_what_to_do(code: int, said: str) -> None:
    error = OSError(code, os.strerror(code))
    assert listeners.explain(UnixAddress("/no/app.sock"), error) == said


def test_privileged_port_says_what_to_do() -> None:
    error = PermissionError(13, "Permission denied")
    text = listeners.explain(TcpAddress("127.0.0.1", 80), error)
    assert text.startswith("http://127.0.0.1:80: ports below 1024 need root")


def test_unix_listener_makes_a_socket_that_a_proxy_may_use(opener: Opener, tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    (listener,) = opener(UnixAddress(str(path)))
    assert stat.S_IMODE(path.stat().st_mode) == 0o777
    assert connects(listener.sock)
    close_listeners([listener])
    assert not path.exists()


def test_abstract_unix_listener_has_no_file(opener: Opener) -> None:
    name = f"@fastfork-test-{os.getpid()}"
    (listener,) = opener(parse(f"unix:{name}"))
    assert listener.sock.getsockname() == b"\0" + name[1:].encode()
    assert connects(listener.sock)
    close_listeners([listener])


def test_stale_unix_socket_is_replaced(opener: Opener, tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    (listener,) = opener(UnixAddress(str(path)))
    assert connects(listener.sock)


@pytest.mark.parametrize("backlog", [0, 8])
def test_live_unix_socket_is_refused_and_stays(
    opener: Opener, tmp_path: Path, backlog: int
) -> None:
    path = tmp_path / "app.sock"
    with socket.socket(socket.AF_UNIX) as live, socket.socket(socket.AF_UNIX) as waiting:
        live.bind(str(path))
        live.listen(backlog)
        waiting.connect(str(path))  # with a backlog of 0 the queue is full now
        with pytest.raises(ConfigError, match=r"is in use"):
            opener(UnixAddress(str(path)))
    assert path.exists()


def test_file_that_is_no_socket_is_refused_and_stays(opener: Opener, tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    path.write_text("mine")
    with pytest.raises(ConfigError, match=r"is there and is no socket"):
        opener(UnixAddress(str(path)))
    assert path.read_text() == "mine"


def test_socket_file_of_a_successor_is_not_removed(opener: Opener, tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    (first,) = opener(UnixAddress(str(path)))
    path.unlink()
    (second,) = opener(UnixAddress(str(path)))
    close_listeners([first])
    assert connects(second.sock)


def test_child_process_does_not_remove_the_socket_file(opener: Opener, tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    (listener,) = opener(UnixAddress(str(path)))
    pid = os.fork()
    if pid == 0:
        close_listeners([listener])
        os._exit(0)
    os.waitpid(pid, 0)
    assert connects(listener.sock)


@pytest.mark.parametrize("listening", [True, False])
def test_inherited_descriptor_is_listened_on(opener: Opener, listening: bool) -> None:
    inherited = socket.socket()
    inherited.bind(("127.0.0.1", 0))
    if listening:
        inherited.listen()
    (listener,) = opener(FdAddress(inherited.detach()))
    assert not listener.sock.getblocking()
    assert connects(listener.sock)


def test_inherited_unix_socket_keeps_its_file(opener: Opener, tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    inherited = socket.socket(socket.AF_UNIX)
    inherited.bind(str(path))
    close_listeners(opener(FdAddress(inherited.detach())))
    assert path.exists()


def test_inherited_datagram_socket_is_refused(opener: Opener) -> None:
    datagram = socket.socket(type=socket.SOCK_DGRAM)
    with pytest.raises(ConfigError, match=r"is a socket, but not a stream socket"):
        opener(FdAddress(datagram.detach()))
