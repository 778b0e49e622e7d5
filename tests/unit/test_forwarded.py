"""What is made of the word of a trusted proxy, field by field."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fastfork.http import forwarded as module
from fastfork.http.forwarded import Forwarded, parse_forwarded, parse_node
from fastfork.net.trust import TrustedPeers

ROOT = Path(__file__).resolve().parents[2]
SCHEMES = {"X-FORWARDED-PROTO": "https", "X-FORWARDED-SSL": "on"}
# What a proxy says, in the ways that they have of writing it.
PROXIES = ("for=192.0.2.1", 'for="192.0.2.1:80";proto=http', 'proto="http";for="192.0.2.1"')
X = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port")


def believed(
    *fields: str, trusted: str = "10.0.0.0/8", repeated: bool = False, **said: str
) -> dict[str, Any] | int:
    """The environ of a request from 10.0.0.1 that says this, or the code of its refusal."""
    environ: dict[str, Any] = {
        "REMOTE_ADDR": "10.0.0.1", "REMOTE_PORT": "999", "wsgi.url_scheme": "http",
        "HTTP_HOST": "app", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000",
    }  # fmt: skip
    before = dict(environ)
    heard = {f"HTTP_{name.upper()}": value for name, value in said.items()}
    environ.update(heard)
    peers = TrustedPeers(trusted.split())
    forwarded = Forwarded(
        peers.trusts, walks="*" not in trusted.split(), schemes=SCHEMES, fields=fields
    )
    code = forwarded.apply(environ, repeated, False)
    if code:
        return code
    gone = {key: None for key in before if key not in environ}
    changed = {k: v for k, v in environ.items() if before.get(k) != v and k not in heard}
    return {**changed, **gone}


@pytest.mark.parametrize(
    ("said", "scheme"),
    [
        ({"x_forwarded_proto": "https"}, "https"),
        ({"x_forwarded_proto": "http"}, None),
        ({"x_forwarded_proto": "https,http"}, None),  # one field: its value is not "https"
        ({"x_forwarded_ssl": "on"}, "https"),
        ({"x_forwarded_ssl": "on", "x_forwarded_proto": "https"}, "https"),
        ({}, None),
    ],
)
def test_secure_scheme_headers_mean_https(said: dict[str, str], scheme: str | None) -> None:
    assert believed(**said) == ({"wsgi.url_scheme": scheme} if scheme else {})


def test_secure_scheme_headers_that_contradict_each_other_are_refused() -> None:
    assert believed(x_forwarded_ssl="on", x_forwarded_proto="http") == module.SCHEME_CONFLICT
    assert believed(x_forwarded_proto="https,http", repeated=True) == module.SCHEME_CONFLICT
    assert believed(x_forwarded_proto="https,https", repeated=True) == {"wsgi.url_scheme": "https"}


def test_nothing_else_is_believed_unless_it_is_asked_for() -> None:
    said = {"x_forwarded_for": "192.0.2.1", "x_forwarded_host": "evil", "forwarded": "for=::1"}
    assert believed(**said) == {}
    assert believed("x-forwarded-proto", **said) == {}


@pytest.mark.parametrize(
    ("hops", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("6.6.6.6, 192.0.2.1", "192.0.2.1"),  # the client made the first up
        ("6.6.6.6, 192.0.2.1, 10.0.0.2,10.1.1.1", "192.0.2.1"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("192.0.2.1, unknown", None),
        ("192.0.2.1, unknown, 10.0.0.2", "10.0.0.2"),
        ("2001:DB8::1", "2001:db8::1"),
        ("", None),
        (",", None),
    ],
)
def test_client_is_the_last_address_that_is_not_trusted(hops: str, address: str | None) -> None:
    want = {} if address is None else {"REMOTE_ADDR": address, "REMOTE_PORT": None}
    assert believed("x-forwarded-for", x_forwarded_for=hops) == want


def test_where_everybody_is_trusted_the_peer_alone_is_believed() -> None:
    found = believed("x-forwarded-for", trusted="*", x_forwarded_for="6.6.6.6, 192.0.2.1")
    assert found == {"REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": None}


def test_the_other_fields_are_those_of_the_same_hop() -> None:
    assert believed(
        *X, x_forwarded_for="6.6.6.6:1, 192.0.2.1:80, 10.0.0.2",
        x_forwarded_proto="http,https,http",
        x_forwarded_host="evil, shop.example:8443, inner", x_forwarded_port="1, 443",
    ) == {
        "REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": "80", "wsgi.url_scheme": "https",
        "HTTP_HOST": "shop.example:8443", "SERVER_NAME": "shop.example", "SERVER_PORT": "1",
    }  # fmt: skip


@pytest.mark.parametrize("host", ["", "a b", "a/b", "[::1", "a:b", "ä", "a,b:1:2"])
def test_host_that_is_none_changes_nothing(host: str) -> None:
    assert believed("x-forwarded-host", x_forwarded_host=host) == {}


@pytest.mark.parametrize(
    ("value", "changes"),
    [
        ("for=192.0.2.1", {"REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": None}),
        ('For="[2001:db8::1]:47"; Proto=HTTPS;host=a.example;by=x',
         {"REMOTE_ADDR": "2001:db8::1", "REMOTE_PORT": "47", "wsgi.url_scheme": "https",
          "HTTP_HOST": "a.example", "SERVER_NAME": "a.example", "SERVER_PORT": "443"}),
        ('for=6.6.6.6;proto=http, for="192.0.2.1:80";proto=https , for=10.0.0.2',
         {"REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": "80", "wsgi.url_scheme": "https"}),
        ("for=_hidden", {}), ("for=unknown;proto=https", {"wsgi.url_scheme": "https"}),
        ('for="1\\92.0.2.1"', {"REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": None}),
        (", ,", {}), ("", {}),
    ],
)  # fmt: skip
def test_forwarded_of_rfc_7239_is_believed(value: str, changes: dict[str, Any]) -> None:
    assert believed("forwarded", forwarded=value) == changes


@pytest.mark.parametrize(
    "value",
    ['for="', 'for="6.6.6.6, for=192.0.2.1', "for", "=1", "for=1;for=2", "for =1", "for= 1",
     'for="a"b', "for=a b", 'for="a\\', "fo(r=1", "for=;x=1"],
)  # fmt: skip
def test_malformed_forwarded_is_refused_so_that_no_open_quote_hides_the_client(value: str) -> None:
    assert parse_forwarded(value) is None
    assert believed("forwarded", forwarded=value) == module.BAD_FORWARDED


@given(made_up=st.text(st.characters(max_codepoint=255)), proxy=st.sampled_from(PROXIES))
@example(made_up='for="', proxy=PROXIES[1])
@example(made_up='for=6.6.6.6;x="\\', proxy=PROXIES[2])
@example(made_up="for=10.0.0.2,", proxy=PROXIES[0])
def test_nothing_that_a_client_sends_hides_what_the_proxy_adds(made_up: str, proxy: str) -> None:
    """The proxy appends its element, in a field of its own or not."""
    found = believed("forwarded", forwarded=f"{made_up},{proxy}")
    assert found == module.BAD_FORWARDED or (
        isinstance(found, dict) and found["REMOTE_ADDR"] == "192.0.2.1"
    )
    found = believed("x-forwarded-for", x_forwarded_for=f"{made_up}, 192.0.2.1")
    assert found == {"REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": None}


@given(node=st.text(st.characters(max_codepoint=255)) | st.text("0123456789.:[]ab%, "))
def test_node_is_an_address_or_none(node: str) -> None:
    found = parse_node(node)
    assert found is None or (
        str(ipaddress.ip_address(found[0])) == found[0] and (found[1] == "" or int(found[1]) >= 0)
    )


@pytest.mark.parametrize(
    "text", ["", "unknown", "_x", "1.2.3", "1.2.3.4.5", "[1.2.3.4", "::1:x", "fe80::1%eth0",
             "1.2.3.4:", "1.2.3.4:999999", "１.2.3.4"],
)  # fmt: skip
def test_what_names_no_address_is_none(text: str) -> None:
    assert parse_node(text) is None


@pytest.mark.parametrize(
    ("script", "path", "placed"),
    [("/app", "/app/x", ("/app", "/x")), ("/app", "/app", ("/app", "")),
     ("/app/", "/app/", ("/app", "/")),
     ("", "/x", ("", "/x")), ("/", "/x", ("", "/x")),
     ("/app", "/apple", None), ("/app", "/x", None), ("app", "/app", None)],
)  # fmt: skip
def test_path_must_be_below_the_script(
    script: str, path: str, placed: tuple[str, str] | None
) -> None:
    environ: dict[str, Any] = {"HTTP_SCRIPT_NAME": script, "PATH_INFO": path, "SCRIPT_NAME": ""}
    forwarded = Forwarded(bool, walks=False, schemes={}, fields=())
    code = forwarded.apply(environ, False, True)
    assert code == (module.NOT_BELOW_SCRIPT if placed is None else 0)
    assert placed is None or (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == placed


@pytest.mark.skipif(not (ROOT / "csrc").is_dir(), reason="no checkout around the tests")
def test_codes_are_those_of_the_table() -> None:
    table = dict(re.findall(r"X\(FF_(\w+), (-\d+)", (ROOT / "csrc/http1/errors.h").read_text()))
    for name in ("SCHEME_CONFLICT", "BAD_FORWARDED", "NOT_BELOW_SCRIPT"):
        assert int(table[name]) == getattr(module, name)
