"""Addresses: what bind accepts, how each is shown, what a bad one is told."""

from __future__ import annotations

import pytest

from fastfork.address import FdAddress, TcpAddress, UnixAddress, parse
from fastfork.errors import BadAddress, ConfigError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8000", TcpAddress("127.0.0.1", 8000)),
        ("127.0.0.1", TcpAddress("127.0.0.1", 8000)),
        ("localhost:80", TcpAddress("localhost", 80)),
        ("LocalHost:80", TcpAddress("localhost", 80)),
        ("my_service.internal:80", TcpAddress("my_service.internal", 80)),
        (":9000", TcpAddress("0.0.0.0", 9000)),
        ("0.0.0.0:0", TcpAddress("0.0.0.0", 0)),
        ("[::1]:8080", TcpAddress("::1", 8080)),
        ("[::]", TcpAddress("::", 8000)),
        ("[2001:DB8::0:1]:1", TcpAddress("2001:db8::1", 1)),
        ("tcp://127.0.0.1:8000", TcpAddress("127.0.0.1", 8000)),
        ("TCP://[::1]:8000", TcpAddress("::1", 8000)),
        (" 127.0.0.1:8000 ", TcpAddress("127.0.0.1", 8000)),
        ("unix:/run/app.sock", UnixAddress("/run/app.sock")),
        ("unix:///run/app.sock", UnixAddress("/run/app.sock")),
        ("unix:app.sock", UnixAddress("app.sock")),
        ("unix:@name", UnixAddress("\0name")),
        ("unix:\0name", UnixAddress("\0name")),
        ("fd://3", FdAddress(3)),
        ("fd:0", FdAddress(0)),
    ],
)
def test_address_is_read(text: str, address: object) -> None:
    assert parse(text) == address


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("[::1]:8000", "http://[::1]:8000"),
        ("unix:/run/x.sock", "unix:/run/x.sock"),
        ("unix:@name", "unix:@name"),
        ("fd://3", "fd://3"),
    ],
)
def test_address_is_shown_as_in_the_start_log(text: str, shown: str) -> None:
    assert str(parse(text)) == shown


@pytest.mark.parametrize("text", ["unix:@name", "unix:/a b", "fd://3", "unix:x"])
def test_what_is_shown_can_be_read_again(text: str) -> None:
    assert parse(str(parse(text))) == parse(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("8000", "is a port without a host; write 127.0.0.1:8000 or 0.0.0.0:8000"),
        ("*:8000", "has * for a host; write 0.0.0.0:8000"),
        ("::1:80", "has more than one colon; write [::1]:80 or [::1:80]:8000 for IPv6"),
        ("1:2:3:4:5:6:7:8", "has more than one colon; write [1:2:3:4:5:6:7:8]:8000 for IPv6"),
        ("::1", "has more than one colon; write [::1]:8000 for IPv6"),
        ("[::1", "has an unfinished IPv6 host; write [::1]:8000"),
        ("[::1]8000", "has an unfinished IPv6 host; write [::1]:8000"),
        ("[::z]:8000", "has a broken IPv6 host; write [::1]:8000"),
        ("[127.0.0.1]:8000", "has a broken IPv6 host; write [::1]:8000"),
        ("127.0.0.1:99999", "has the port '99999'; write a number from 0 to 65535, such as 8000"),
        ("127.0.0.1:", "has the port ''; write a number from 0 to 65535, such as 8000"),
        ("127.0.0.1:-1", "has the port '-1'; write a number from 0 to 65535, such as 8000"),
        ("127.0.0.1:http", "has the port 'http'; write a number from 0 to 65535, such as 8000"),
        ("127.0.0.1:\u0661", "has the port '\u0661'; write a number from 0 to 65535, such as 8000"),
        ("127.0.0.256:80", "has a broken IPv4 host; write 127.0.0.1:80"),
        ("http://127.0.0.1:8000/", "has the scheme http://; write 127.0.0.1:8000"),
        ("https://", "has the scheme https://; write 127.0.0.1:8000"),
        ("/run/app.sock", "has a path; write 127.0.0.1:8000, or unix:PATH for a unix socket"),
        ("unix:", "names no socket file; write unix:/run/app.sock"),
        ("unix:@", "names no socket file; write unix:/run/app.sock"),
        ("unix:/run/\0x", "has a NUL byte in its path; write unix:/run/app.sock"),
        ("fd://", "names no descriptor; write fd:// and a number, such as fd://3"),
        ("fd://x", "names no descriptor; write fd:// and a number, such as fd://3"),
        ("fd://-1", "names no descriptor; write fd:// and a number, such as fd://3"),
        ("", "is no address; write HOST:PORT, [v6]:PORT, unix:PATH or fd://N"),
        ("a b:80", "is no address; write HOST:PORT, [v6]:PORT, unix:PATH or fd://N"),
        ("-a:80", "is no address; write HOST:PORT, [v6]:PORT, unix:PATH or fd://N"),
    ],
)
def test_bad_address_is_told_what_to_write(text: str, said: str) -> None:
    with pytest.raises(BadAddress) as refused:
        parse(text)
    assert str(refused.value) == f"{text!r} {said}"
    assert isinstance(refused.value, ConfigError)


def test_unix_path_that_the_kernel_would_refuse_is_refused() -> None:
    assert parse("unix:" + "x" * 107) == UnixAddress("x" * 107)
    with pytest.raises(BadAddress, match="has a path of 108 bytes; write one of at most 107"):
        parse("unix:" + "x" * 108)
    with pytest.raises(BadAddress, match="has a path of 108 bytes"):
        parse("unix:" + "é" * 54)


def test_abstract_socket_has_no_file() -> None:
    assert UnixAddress("\0name").is_abstract
    assert not UnixAddress("/run/name").is_abstract


def test_ipv6_is_told_from_a_name() -> None:
    assert TcpAddress("::1", 1).is_ipv6
    assert not TcpAddress("localhost", 1).is_ipv6
