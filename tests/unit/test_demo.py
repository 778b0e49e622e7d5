"""The demo application: each answer is correct WSGI, and none repeats markup unescaped."""

from __future__ import annotations

import io
import re
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from fastfork import __version__, demo


def call(
    path: str, *, method: str = "GET", body: bytes = b"", **extra: str
) -> tuple[str, dict[str, str], bytes]:
    """One request through wsgiref's validator."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SCRIPT_NAME": "",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **extra,
    }
    setup_testing_defaults(environ)
    said: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        said[:] = [status, dict(headers)]
        return said.append

    answer = validator(demo.app)(environ, start_response)
    try:
        data = b"".join(answer)
    finally:
        answer.close()  # type: ignore[attr-defined]
    status, headers = said
    if "Content-Length" in headers:
        assert int(headers["Content-Length"]) == len(data)
    return status, headers, data


def test_home_page_says_that_it_works_and_shows_facts() -> None:
    status, headers, body = call("/")
    page = body.decode()
    assert (status, headers["Content-Type"]) == ("200 OK", "text/html; charset=utf-8")
    assert "fastfork <b>works</b>" in page
    assert f"fastfork {__version__}" in page
    assert "<th>REQUEST_METHOD</th><td>GET</td>" in page


def test_home_page_escapes_what_the_request_says() -> None:
    extra = {"HTTP_X": "<script>\"'&", "HTTP_HOST": "<b>", "QUERY_STRING": "\xe9\udc80"}
    page = call("/", **extra)[2].decode()
    assert "<td>&lt;script&gt;&quot;&#x27;&amp;</td>" in page
    assert "<script>" not in page
    assert "http://&lt;b&gt;/echo" in page
    assert "\\udc80" in page


def test_page_is_well_formed() -> None:
    page = call("/")[2].decode()
    for tag in ("html", "head", "body", "style", "table", "tr", "td", "th"):
        assert len(re.findall(rf"<{tag}\b", page)) == len(re.findall(rf"</{tag}>", page))


def test_hello_is_text() -> None:
    status, headers, body = call("/hello")
    assert (status, body) == ("200 OK", b"Hello, world!\n")
    assert headers["Content-Type"].startswith("text/plain")


def test_echo_sends_the_body_back() -> None:
    status, headers, body = call("/echo", method="POST", body=b"a\x00b", CONTENT_TYPE="text/x")
    assert (status, body, headers["Content-Type"]) == ("200 OK", b"a\x00b", "text/x")
    assert call("/echo")[2] == b""


def test_echo_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "LARGEST_ECHO_BYTES", 3)
    assert call("/echo", method="POST", body=b"1234")[0] == "413 Content Too Large"
    assert call("/echo", method="POST", body=b"123")[0] == "200 OK"


def test_slow_takes_as_long_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(demo.time, "sleep", slept.append)
    assert call("/slow", QUERY_STRING="s=0.25")[2] == b"That took 0.25 s.\n"
    assert call("/slow")[0] == "200 OK"
    assert slept == [0.25, 0.5]


@pytest.mark.parametrize("asked", ["x", "-1", "21", "nan", "inf"])
def test_slow_refuses_what_is_no_time(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo.time, "sleep", lambda seconds: pytest.fail("slept"))
    assert call("/slow", QUERY_STRING=f"s={asked}")[0] == "400 Bad Request"


def test_stream_sends_lines_without_a_length() -> None:
    _status, headers, body = call("/stream")
    assert body.splitlines()[0] == b"line 1 of 10"
    assert len(body.splitlines()) == 10
    assert "Content-Length" not in headers


@pytest.mark.parametrize("path", ["/nope", "/hello/", "//"])
def test_anything_else_is_not_found(path: str) -> None:
    assert call(path)[0] == "404 Not Found"


def test_empty_path_is_the_home_page() -> None:
    assert call("", SCRIPT_NAME="/demo")[0] == "200 OK"
