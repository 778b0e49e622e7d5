"""A line of the access log: every atom, and nothing that a request says can forge one."""

from __future__ import annotations

import base64
import os
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastfork.config import Config
from fastfork.config.kinds.logformat import ATOMS, BadFormat
from fastfork.logs.access.line import compile_line

ENVIRON: dict[str, Any] = {
    "REMOTE_ADDR": "192.0.2.1",
    "REQUEST_METHOD": "GET",
    "RAW_URI": "/shop/%C3%A9?page=2",
    "PATH_INFO": "/shop/\xc3\xa9",
    "QUERY_STRING": "page=2",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "CONTENT_TYPE": "text/plain",
    "HTTP_REFERER": "https://example.org/",
    "HTTP_USER_AGENT": "probe/1.0",
    "HTTP_X_REQUEST_ID": "abc",
    "wsgi.url_scheme": "http",
}
HEADERS = [("Content-Type", "text/html"), ("X-A", "1"), ("x-a", "2")]
DEFAULT_FORMAT = Config().access_log_format


def line(text: str, environ: dict[str, Any] = ENVIRON, *, sent: int = 12) -> str:
    return compile_line(text)(environ, "200 OK", sent, 1_234_567_890, HEADERS)


def basic(credentials: bytes) -> dict[str, Any]:
    return {**ENVIRON, "HTTP_AUTHORIZATION": "Basic " + base64.b64encode(credentials).decode()}


def test_default_format_is_the_combined_log_format() -> None:
    assert re.fullmatch(
        r"192\.0\.2\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "
        r'"GET /shop/%C3%A9\?page=2 HTTP/1\.1" 200 12 "https://example\.org/" "probe/1\.0"',
        line(DEFAULT_FORMAT),
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("%(h)s", "192.0.2.1"),
        ("%(l)s", "-"),
        ("%(u)s", "-"),
        ("%(r)s", "GET /shop/%C3%A9?page=2 HTTP/1.1"),
        ("%(m)s", "GET"),
        ("%(U)s", "/shop/\\xC3\\xA9"),
        ("%(q)s", "page=2"),
        ("%(H)s", "HTTP/1.1"),
        ("%(s)s", "200"),
        ("%(b)s", "12"),
        ("%(B)s", "12"),
        ("%(f)s", "https://example.org/"),
        ("%(a)s", "probe/1.0"),
        ("%(T)s", "1"),
        ("%(M)s", "1234"),
        ("%(D)s", "1234567"),
        ("%(L)s", "1.234568"),
        pytest.param("%(p)s", f"<{os.getpid()}>", id="pid"),
        ("%({X-Request-ID}i)s", "abc"),
        ("%({content-type}i)s", "text/plain"),
        ("%({missing}i)s", "-"),
        ("%({X-A}o)s", "1"),
        ("%({missing}o)s", "-"),
        ("%({REMOTE_ADDR}e)s", "192.0.2.1"),
        ("%({remote_addr}e)s", "192.0.2.1"),
        ("%({wsgi.url_scheme}e)s", "http"),
        ("%({missing}e)s", "-"),
        ("%(x)s", "-"),
        ("%({a}x)s", "-"),
        ("100%%", "100%"),
        ("{%(m)s} {x} {{", "{GET} {x} {{"),
        ("'%(m)s'", "'GET'"),
        ("%(m)-5s|", "GET  |"),
        ("%(m)5s|", "  GET|"),
        ("%(m).2s|", "GE|"),
        ("%(D)010d", "0001234567"),
        ("", ""),
        ("plain", "plain"),
    ],
)
def test_atom_prints(text: str, shown: str) -> None:
    assert line(text) == shown


def test_every_atom_has_an_expression() -> None:
    for name in ATOMS:
        assert line(f"%({name})s")


def test_time_is_made_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_700_000_000.25]
    monkeypatch.setattr(time, "time", lambda: now[0])
    made: list[float] = []
    real = time.localtime
    monkeypatch.setattr(time, "localtime", lambda at: made.append(at) or real(at))
    function = compile_line("%(t)s")

    def shown(at: float) -> str:
        now[0] = at
        return function(ENVIRON, "200 OK", 0, 0, [])

    first = shown(1_700_000_000.25)
    assert shown(1_700_000_000.999) == first
    assert made == [1_700_000_000.0]
    assert shown(1_700_000_001.0) != first
    assert shown(1_600_000_000.0) != first  # the wall clock was set back
    expected = time.strftime("[%d/%b/%Y:%H:%M:%S %z]", real(1_700_000_000))
    assert first == expected


def test_nothing_sent_is_a_dash_in_b_and_zero_in_capital_b() -> None:
    assert line("%(b)s %(B)s", sent=0) == "- 0"


def test_unix_socket_has_no_address() -> None:
    assert line("%(h)s", {**ENVIRON, "REMOTE_ADDR": ""}) == "-"


@pytest.mark.parametrize(
    ("credentials", "user"),
    [
        (b"alice:secret", "alice"),
        (b"al ice:", "al ice"),
        (b":secret", "-"),
        (b"alice", "-"),
        (b'a"\n\\:x', "a\\x22\\x0A\\x5C"),
        (b"\xc3\xa9:x", "\\xC3\\xA9"),
    ],
)
def test_user_of_basic_credentials_is_shown(credentials: bytes, user: str) -> None:
    assert line("%(u)s", basic(credentials)) == user


@pytest.mark.parametrize(
    "field", ["", "Basic", "Basic !!!", "Bearer YTpi", "Basic \xe9", "Basic " + "YTpi" * 2000]
)
def test_other_credentials_show_no_user(field: str) -> None:
    assert line("%(u)s", {**ENVIRON, "HTTP_AUTHORIZATION": field}) == "-"


def test_scheme_of_credentials_has_no_case() -> None:
    environ = {**ENVIRON, "HTTP_AUTHORIZATION": "bAsIc YTpi"}
    assert line("%(u)s", environ) == "a"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ('x" 200 1 "', "x\\x22 200 1 \\x22"),
        ("a\\x22", "a\\x5Cx22"),
        ("a\nb\r", "a\\x0Ab\\x0D"),
        ("\x1b[31m", "\\x1B[31m"),
        ("tab\there", "tab\\x09here"),
        ("\x00\x7f\x85\xff", "\\x00\\x7F\\x85\\xFF"),
        ("\u2028\U0001f600", "\\u2028\\U0001F600"),
    ],
)
def test_value_is_escaped(value: str, shown: str) -> None:
    environ = {**ENVIRON, "HTTP_USER_AGENT": value}
    assert line('"%(a)s" %(m)s', environ) == f'"{shown}" GET'


def test_escaping_one_value_leaves_the_rest_of_the_line_as_it_was() -> None:
    expected = line("%(h)s %(r)s %(s)s %(D)08d %(m)-5s|")
    environ = {**ENVIRON, "HTTP_USER_AGENT": "\n"}
    assert line("%(h)s %(r)s %(s)s %(D)08d %(m)-5s|%(a)s", environ) == expected + "\\x0A"


@pytest.mark.parametrize("literal", ["\t", "é", "\\", '"', "\\t", "{}"])
def test_literal_text_is_printed_as_it_is_and_values_are_still_escaped(literal: str) -> None:
    assert line(f"%(m)s{literal}%(H)s") == f"GET{literal}HTTP/1.1"
    environ = {**ENVIRON, "REQUEST_METHOD": 'a"'}
    assert line(f"%(m)s{literal}%(H)s", environ) == f"a\\x22{literal}HTTP/1.1"


def test_long_value_is_cut() -> None:
    assert len(line("%(a)s", {**ENVIRON, "HTTP_USER_AGENT": "x" * 1_000_000})) < 20_000


class Awkward:
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize("value", [None, 3, b"x", ["a"], Awkward()])
def test_application_that_put_anything_into_the_environ_breaks_no_line(value: object) -> None:
    environ: dict[str, Any] = dict.fromkeys(ENVIRON, value)
    environ["HTTP_AUTHORIZATION"] = value
    text = line(DEFAULT_FORMAT + " %({x-a}o)s %({wsgi.url_scheme}e)s", environ)
    assert text.isascii()
    assert text.count('"') == 6


def test_environ_of_a_refused_request_may_be_empty() -> None:
    assert line('"%(r)s" %(h)s %(a)s', {}) == '"- - -" - -'


@given(
    st.dictionaries(
        st.sampled_from([*ENVIRON, "HTTP_AUTHORIZATION"]),
        st.text(st.characters(max_codepoint=0xFF)),
    ),
    st.lists(st.tuples(st.text(), st.text()), max_size=3),
)
def test_no_request_forges_a_line(environ: dict[str, Any], headers: list[tuple[str, str]]) -> None:
    text = f"{DEFAULT_FORMAT} %(U)s %(q)s %({{x-request-id}}i)s %({{x-a}}o)s"
    made = compile_line(text)(environ, "200 OK", 5, 10, headers)
    assert made.isascii()
    assert made.isprintable()
    assert made.count('"') == 6
    assert re.sub(r"\\(x[0-9A-F]{2}|u[0-9A-F]{4}|U[0-9A-F]{8})", "", made).count("\\") == 0


def test_bad_format_is_refused() -> None:
    with pytest.raises(BadFormat):
        compile_line("%(h")


def test_format_is_data_and_never_code() -> None:
    text = "');__import__('os')._exit(1);('\"\"\" {environ} \\"
    assert line(text.replace("%", "%%")) == text
