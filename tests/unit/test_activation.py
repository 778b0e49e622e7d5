"""What `bind` means beside sockets that the service manager passed."""

from __future__ import annotations

import os

import pytest

from fastfork.address import FdAddress, PassedAddress, TcpAddress, parse
from fastfork.errors import ConfigError
from fastfork.net.activation import passed, resolve

WEB = PassedAddress(-3, "web")
ADMIN = PassedAddress(-4, "admin")
TCP = TcpAddress("127.0.0.1", 8000)


def test_address_names_a_passed_socket() -> None:
    assert parse("systemd:web") == PassedAddress(-1, "web")
    assert str(parse("systemd:web")) == "systemd:web"


def test_default_address_gives_way_to_passed_sockets() -> None:
    assert resolve([TCP], [WEB, ADMIN], is_default=True).addresses == [WEB, ADMIN]
    assert resolve([TCP], [], is_default=True).addresses == [TCP]


def test_address_that_was_asked_for_comes_beside_passed_sockets() -> None:
    found = resolve([TCP, FdAddress(9)], [WEB], is_default=False)
    assert (found.addresses, found.unused) == ([WEB, TCP, FdAddress(9)], [])


def test_names_choose_and_the_rest_is_unused() -> None:
    found = resolve([parse("systemd:admin"), TCP], [WEB, ADMIN], is_default=False)
    assert (found.addresses, found.unused) == ([ADMIN, TCP], [WEB])


def test_empty_name_is_every_socket_once() -> None:
    found = resolve([parse("systemd:web"), parse("systemd:")], [WEB, ADMIN], is_default=False)
    assert (found.addresses, found.unused) == ([WEB, ADMIN], [])


def test_variables_are_taken_out_of_the_environment() -> None:
    environ = {"LISTEN_PID": "7", "LISTEN_FDS": "0", "LISTEN_FDNAMES": "", "HOME": "/"}
    assert passed(environ, 7) == []
    assert environ == {"HOME": "/"}


@pytest.mark.parametrize("count", ["many", "-1", "9999"])
def test_count_that_is_none_is_one_clear_line(count: str) -> None:
    with pytest.raises(ConfigError, match=f"^LISTEN_FDS: '{count}' is no number of sockets; "):
        passed({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": count}, os.getpid())


def test_names_must_be_as_many_as_sockets() -> None:
    environ = {"LISTEN_PID": "7", "LISTEN_FDS": "0", "LISTEN_FDNAMES": "web"}
    with pytest.raises(ConfigError, match="LISTEN_FDNAMES: 1 names for 0 sockets"):
        passed(environ, 7)
