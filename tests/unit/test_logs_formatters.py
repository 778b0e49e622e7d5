"""Records of the error log as text, in colour, and as JSON."""

from __future__ import annotations

import json
import logging
import re
from typing import Any, cast

import pytest

from fastfork.logs.base.formatters import JsonFormatter, SafeFormatter, make, rfc3339, wants_colour


class Terminal:
    def __init__(self, *, is_one: bool = True) -> None:
        self.is_one = is_one

    def isatty(self) -> bool:
        return self.is_one


class Closed(Terminal):
    def isatty(self) -> bool:
        raise ValueError("I/O operation on closed file")


def record(message: str = "hello", **facts: Any) -> logging.LogRecord:
    made = logging.LogRecord("fastfork.error", logging.WARNING, "", 0, message, (), None)
    vars(made).update(facts)
    return made


@pytest.mark.parametrize(
    ("environ", "stream", "wanted"),
    [
        ({}, Terminal(), True),
        ({}, Terminal(is_one=False), False),
        ({}, None, False),
        ({}, Closed(), False),
        ({"NO_COLOR": "1"}, Terminal(), False),
        ({"NO_COLOR": ""}, Terminal(), True),
        ({"FORCE_COLOR": "1"}, Terminal(is_one=False), True),
        ({"FORCE_COLOR": ""}, Terminal(is_one=False), False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, Terminal(), False),
        ({"TERM": "dumb"}, Terminal(), False),
    ],
)
def test_colour_is_for_terminals_unless_the_user_says_otherwise(
    environ: dict[str, str], stream: Any, wanted: bool
) -> None:
    assert wants_colour(cast("Any", stream), environ) is wanted


def test_level_is_coloured_and_nothing_else() -> None:
    text = SafeFormatter(in_colour=True).format(record("a \x1b[31mred\x1b[0m [WARNING] end"))
    assert text.endswith("[\x1b[33mWARNING\x1b[0m] a \\x1B[31mred\\x1B[0m [WARNING] end")
    assert text.count("\x1b") == 2


def test_id_follows_the_level_inside_a_request_only() -> None:
    formatter = SafeFormatter()
    assert formatter.format(record(request_id="abc")).endswith("[WARNING] [abc] hello")
    assert formatter.format(record(request_id="-")).endswith("[WARNING] hello")
    assert formatter.format(record()).endswith("[WARNING] hello")


def test_json_has_an_object_a_line() -> None:
    try:
        raise LookupError("gone\n")
    except LookupError as error:
        info = (type(error), error, error.__traceback__)
    hostile = 'a "b"\n\x1b[2J \u2028 \xe9'
    line = JsonFormatter().format(record(hostile, exc_info=info, request_id="abc", process=7))
    assert line.isascii()
    assert "\n" not in line
    made = json.loads(line)
    assert made["message"] == hostile
    assert (made["level"], made["pid"], made["request_id"]) == ("warning", 7, "abc")
    assert made["logger"] == "fastfork.error"
    assert "LookupError: gone" in made["exception"]


def test_json_has_only_what_there_is() -> None:
    assert set(json.loads(JsonFormatter().format(record()))) == {
        "time", "level", "pid", "logger", "message",
    }  # fmt: skip


def test_json_has_the_stack_that_was_asked_for() -> None:
    made = json.loads(JsonFormatter().format(record(stack_info="Stack:\n  here")))
    assert made["stack"] == "Stack:\n  here"


def test_time_is_rfc_3339() -> None:
    assert re.fullmatch(r"2023-11-1[45]T\d\d:13:20\.250[+-]\d\d:\d\d", rfc3339(1_700_000_000.25))


def test_form_is_chosen_by_name() -> None:
    assert isinstance(make("json"), JsonFormatter)
    assert isinstance(make("text"), SafeFormatter)
