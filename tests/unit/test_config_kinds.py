"""Kinds of value: what each reads, from text and from Python, and what it says to the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastfork.config.kinds.basic import (
    ADDRESSES,
    DURATION,
    ENVIRONMENT,
    FLAG,
    FLAG_ON,
    FOLDER,
    FORMAT,
    HEADER,
    LOG_PATH,
    PATH,
    SIZE,
    TEXT,
    WORD,
    BadValue,
    Kind,
    choice,
    integer,
)

COUNT = integer(1, 10)
COLOUR = choice("red", "green")


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (COUNT, 4, 4),
        (COUNT, "4", 4),
        (COUNT, " +4 ", 4),
        (COLOUR, "RED", "red"),
        (FLAG, True, True),
        (FLAG, "no", False),
        (FLAG, "On", True),
        (FLAG, 0, False),
        (FLAG, "1", True),
        (DURATION, 30, 30.0),
        (DURATION, 0.5, 0.5),
        (DURATION, "30", 30.0),
        (DURATION, "500ms", 0.5),
        (DURATION, "2m", 120.0),
        (DURATION, "1.5 H", 5400.0),
        (DURATION, ".5s", 0.5),
        (DURATION, "1d", 86400.0),
        (DURATION, "0", 0.0),
        (SIZE, 8190, 8190),
        (SIZE, "8190", 8190),
        (SIZE, "512M", 512 * 1024**2),
        (SIZE, "1g", 1024**3),
        (SIZE, "64 KiB", 65536),
        (SIZE, "2MB", 2 * 1024**2),
        (SIZE, 0, 0),
        (FLAG, None, False),
        (FLAG, "n", False),
        (FLAG_ON, None, True),
        (FLAG_ON, "no", False),
        (HEADER, " web/1 ", "web/1"),
        (HEADER, "", ""),
        (TEXT, None, None),
        (TEXT, "", None),
        (TEXT, " x ", "x"),
        (PATH, Path("/run/x.pid"), "/run/x.pid"),
        (LOG_PATH, None, "-"),
        (LOG_PATH, "/var/log/x", "/var/log/x"),
        (FOLDER, None, "."),
        (WORD, "sync", "sync"),
        (FORMAT, "%(h)s", "%(h)s"),
        (ADDRESSES, "a:1,b:2", ("a:1", "b:2")),
        (ADDRESSES, ["a:1", " b:2 "], ("a:1", "b:2")),
        (ADDRESSES, ("127.0.0.1:0", "127.0.0.1:0"), ("127.0.0.1:0", "127.0.0.1:0")),
        (ENVIRONMENT, ["A=1", "B=x,y=z", "C="], ("A=1", "B=x,y=z", "C=")),
        (ENVIRONMENT, "A=1,B=2", ("A=1", "B=2")),
        (ENVIRONMENT, None, ()),
    ],
)
def test_value_is_read(kind: Kind[object], given: object, value: object) -> None:
    assert kind.parse(given) == value
    assert type(kind.parse(given)) is type(value)


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (COUNT, "many", "'many' is not an integer; write a whole number from 1 to 10"),
        (COUNT, True, "True is not an integer; write a whole number from 1 to 10"),
        (COUNT, 4.0, "4.0 is not an integer; write a whole number from 1 to 10"),
        (COUNT, "1_0", "'1_0' is not an integer; write a whole number from 1 to 10"),
        (COUNT, "\u0664", "'\u0664' is not an integer; write a whole number from 1 to 10"),
        (COUNT, None, "None is not an integer; write a whole number from 1 to 10"),
        (COUNT, 0, "0 is less than 1; write a whole number from 1 to 10"),
        (COUNT, "11", "'11' is more than 10; write a whole number from 1 to 10"),
        (COLOUR, "gren", "'gren' is none of red, green; write green"),
        (COLOUR, 3, "3 is none of red, green; write red"),
        (FLAG, "maybe", "'maybe' is neither true nor false; write True or False"),
        (FLAG, 2, "2 is neither true nor false; write True or False"),
        (FLAG, [], "[] is neither true nor false; write True or False"),
        (
            SIZE,
            "1.5M",
            "'1.5M' is not a size; write bytes, or a number with K, M or G, such as 8190 or 512M",
        ),
        (
            SIZE,
            -1,
            "-1 is not a size; write bytes, or a number with K, M or G, such as 8190 or 512M",
        ),
        (TEXT, 3, "3 is not text; write it in quotes"),
        (TEXT, "a\nb", "'a\\nb' has a line end or a NUL byte; write it on one line"),
        (WORD, "", "'' is empty; write a word, or leave the setting out"),
        (
            HEADER,
            "a\r\nb",
            "'a\\r\\nb' is no value of a field; write printable ASCII, such as 'web'",
        ),
        (
            HEADER,
            "x" * 201,
            f"'{'x' * 79}... is longer than 200 characters; write a short name",
        ),
        (HEADER, "né", "'né' is no value of a field; write printable ASCII, such as 'web'"),
        (HEADER, 1, "1 is not text; write it in quotes"),
        (FORMAT, None, "None is not text; write it in quotes"),
        (
            FORMAT,
            "100%",
            "'100%' has a stray % before ''; write %% for a percent sign, %(h)s for an atom",
        ),
        (ADDRESSES, [], "[] names no address; write ['127.0.0.1:8000']"),
        (ADDRESSES, 8000, "8000 is not a list of texts; write ['127.0.0.1:8000']"),
        (
            ADDRESSES,
            "8000",
            "'8000' is a port without a host; write 127.0.0.1:8000 or 0.0.0.0:8000",
        ),
        (ADDRESSES, ["a:1", "A:1"], "'A:1' is named twice; write it once"),
        (ENVIRONMENT, ["A"], "'A' is not KEY=VALUE; write it like DEBUG=0"),
        (ENVIRONMENT, ["=1"], "'=1' is not KEY=VALUE; write it like DEBUG=0"),
        (ENVIRONMENT, {"A": "1"}, "{'A': '1'} is not a list of texts; write ['DEBUG=0']"),
    ],
)
def test_bad_value_is_told_what_to_write(kind: Kind[object], given: object, said: str) -> None:
    with pytest.raises(BadValue) as refused:
        kind.parse(given)
    assert str(refused.value) == said


@pytest.mark.parametrize(
    "given", ["x", "5 weeks", "-1", -1, "1e3", "nan", float("inf"), True, None]
)
def test_what_is_no_duration_is_refused(given: object) -> None:
    with pytest.raises(BadValue, match="is not a duration; write seconds, or a number with a unit"):
        DURATION.parse(given)


def test_duration_and_size_have_an_upper_end() -> None:
    with pytest.raises(BadValue, match="is more than a year"):
        DURATION.parse("400d")
    with pytest.raises(BadValue, match="is more than any machine holds"):
        SIZE.parse("9999999999T")


def test_long_value_is_cut_in_its_message() -> None:
    with pytest.raises(BadValue) as refused:
        COUNT.parse("x" * 10_000)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (DURATION, 30.0, "30s"),
        (DURATION, 0.5, "500ms"),
        (DURATION, 90.0, "90s"),
        (DURATION, 120.0, "2m"),
        (DURATION, 7200.0, "2h"),
        (DURATION, 86400.0, "1d"),
        (DURATION, 0.0, "0"),
        (SIZE, 8190, "8190"),
        (SIZE, 1024**3, "1G"),
        (SIZE, 256 * 1024, "256K"),
        (SIZE, 0, "0"),
        (FLAG, True, "on"),
        (TEXT, None, "none"),
        (ENVIRONMENT, (), "none"),
        (ADDRESSES, ("a:1", "b:2"), "a:1, b:2"),
    ],
)
def test_value_is_shown_as_a_reader_would_type_it(
    kind: Kind[object], value: object, shown: str
) -> None:
    assert kind.show(value) == shown


@pytest.mark.parametrize("seconds", [0.001, 0.25, 1.0, 30.0, 90.0, 3600.0, 86400.0])
def test_shown_duration_can_be_typed(seconds: float) -> None:
    assert DURATION.parse(DURATION.show(seconds)) == pytest.approx(seconds)
