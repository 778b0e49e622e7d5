"""Whatever a request says, an access line stays one line, and JSON stays JSON, on both ways."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastfork.config.kinds.logformat import COMBINED, JSON
from fastfork.logs.access.atoms import JsonAtoms, SafeAtoms, mapping_format
from fastfork.logs.access.line import compile_line
from fastfork.logs.glogging import Logger
from fastfork.wsgi.request_hooks import Request, Response
from tests.kit.logged import plain_logger

Way = Callable[[str, dict[str, Any]], str]

# Line ends of every kind, quotes, escapes, controls, bytes that are no UTF-8, percent signs.
CORPUS = [
    "\n",
    "\r\n127.0.0.1 - - forged",
    "\x0b\x0c\x1c\x1d\x1e",
    "\x85",
    "\u2028 \u2029",
    '"',
    '", "admin": true, "x": "',
    "'",
    "\\",
    '\\"',
    "\\u0022",
    "\x00",
    "\x1b[2J\x1b]0;title\x07",
    "\x7f\x80\x9b31m",
    "\xff\xfe\xe9",
    "\xc3\xa9",
    "%",
    "%s %d %(h)s %(",
    "%%",
    "{v0} {environ}",
    "-",
    "",
    "1e5",
    "null",
    "x" * 20000,
    "\xe9" * 20000,
]
TEXT_FORMATS = [COMBINED, "%(h)s|%(U)s|%({x}i)s|%({x}e)s", '"%(a)s" %(a)-5s %(a).3s']
JSON_FORMATS = [
    JSON,
    '{"a": "%(a)s", "r": "%(r)s %(q)s", "x": "%({x}i)s", "s": %(s)s, "b": %(b)s}',
    '{"%(a)s": %({x}i)s, "cut": "%(a).5s", "wide": "%(a)30s", "e": [%({x}e)s, %(u)s]}',
]


def environ(text: str) -> dict[str, Any]:
    return {
        "REMOTE_ADDR": "192.0.2.1",
        "REQUEST_METHOD": text or "GET",
        "RAW_URI": f"/{text}",
        "PATH_INFO": f"/{text}",
        "QUERY_STRING": text,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_REFERER": text,
        "HTTP_USER_AGENT": text,
        "HTTP_X": text,
        "x": text,
        "wsgi.url_scheme": "http",
        "fastfork.request_id": "abc",
    }


def fast(text: str, of: dict[str, Any]) -> str:
    return compile_line(text)(of, "200 OK", 5, 1_500_000, [])


def slow(text: str, of: dict[str, Any]) -> str:
    """As Logger.access makes it."""
    made, is_json = mapping_format(text)
    logger = plain_logger(Logger)
    response = Response("200 OK", [], 5)
    atoms = logger.atoms(response, Request(of), of, timedelta(microseconds=1500))
    wrapped = (JsonAtoms if is_json else SafeAtoms)(atoms)
    record = logging.LogRecord("a", logging.INFO, "", 0, made, (wrapped,), None)
    return record.getMessage()


WAYS = pytest.mark.parametrize("way", [fast, slow])


def check_text(line: str, text: str) -> None:
    assert line.isascii()
    assert line.isprintable()
    assert line.count('"') == text.count('"')


def check_json(line: str, text: str) -> dict[str, Any]:
    assert line.isascii()
    assert line.isprintable()
    loaded: dict[str, Any] = json.loads(line)
    assert isinstance(loaded, dict)
    plain = compile_line(text)(environ("x"), "200 OK", 5, 0, [])
    # Pairs and not keys: where the format has a key of the client's, it may be one that is there.
    pairs = [json.loads(one, object_pairs_hook=list) for one in (line, plain)]
    assert len(pairs[0]) == len(pairs[1])
    return loaded


@WAYS
@pytest.mark.parametrize("text", TEXT_FORMATS)
@pytest.mark.parametrize("hostile", CORPUS, ids=lambda text: ascii(text[:12]))
def test_text_line_stays_one_line_with_its_own_quotes(way: Way, text: str, hostile: str) -> None:
    check_text(way(text, environ(hostile)), text)


@WAYS
@pytest.mark.parametrize("text", JSON_FORMATS)
@pytest.mark.parametrize("hostile", CORPUS, ids=lambda text: ascii(text[:12]))
def test_json_line_stays_json_with_its_own_keys(way: Way, text: str, hostile: str) -> None:
    check_json(way(text, environ(hostile)), text)


@WAYS
@given(st.text(st.characters(max_codepoint=255), max_size=40))
def test_no_latin_1_text_breaks_a_text_line(way: Way, hostile: str) -> None:
    for text in TEXT_FORMATS:
        check_text(way(text, environ(hostile)), text)


@WAYS
@given(st.text(st.characters(max_codepoint=255), max_size=40))
def test_no_latin_1_text_breaks_a_json_line(way: Way, hostile: str) -> None:
    for text in JSON_FORMATS:
        check_json(way(text, environ(hostile)), text)


@WAYS
@given(st.text(max_size=40))
def test_json_gives_back_the_text_that_was_sent_as_utf_8(way: Way, sent: str) -> None:
    sent = sent.encode("utf-8", "replace").decode("utf-8")
    received = environ(sent.encode("utf-8").decode("latin-1"))
    made = check_json(way(JSON, received), JSON)
    assert made["user_agent"] == (None if sent == "-" else sent)
    assert made["path"] == f"/{sent}"


@given(st.text(st.characters(max_codepoint=255), max_size=30))
def test_both_ways_write_the_same_line(hostile: str) -> None:
    of = environ(hostile)
    for text in ('%(h)s "%(r)s" %(s)s %(b)s %(a)s %(D)s', JSON_FORMATS[1], JSON_FORMATS[2]):
        assert fast(text, of) == slow(text, of)
