"""Conditions, ranges, codings and dates of a request for a file (RFC 9110)."""

from __future__ import annotations

import email.utils
import random

import pytest

from fastfork._core.apps.conditions import (
    accepted,
    decision,
    http_date,
    may_go_on,
    part,
    seconds_of,
)

ETAG = '"5f3-a"'
NOW = 1_700_000_000
DATE = http_date(NOW)
EARLIER, LATER = http_date(NOW - 1), http_date(NOW + 1)
NO_DATE = "yesterday"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 200),
        # If-None-Match: weak comparison, lists, `*`.
        ({"HTTP_IF_NONE_MATCH": ETAG}, 304),
        ({"HTTP_IF_NONE_MATCH": f"W/{ETAG}"}, 304),
        ({"HTTP_IF_NONE_MATCH": f'"other", {ETAG}'}, 304),
        ({"HTTP_IF_NONE_MATCH": f'"other",W/{ETAG},"third"'}, 304),
        ({"HTTP_IF_NONE_MATCH": '"a, b", ' + ETAG}, 304),
        ({"HTTP_IF_NONE_MATCH": "*"}, 304),
        ({"HTTP_IF_NONE_MATCH": " * "}, 304),
        ({"HTTP_IF_NONE_MATCH": '"other"'}, 200),
        ({"HTTP_IF_NONE_MATCH": ""}, 200),
        ({"HTTP_IF_NONE_MATCH": ","}, 200),
        ({"HTTP_IF_NONE_MATCH": "W/"}, 200),
        ({"HTTP_IF_NONE_MATCH": '"'}, 200),
        ({"HTTP_IF_NONE_MATCH": ETAG.strip('"')}, 200),  # unquoted is no entity tag
        ({"HTTP_IF_NONE_MATCH": f"bare, {ETAG}"}, 200),
        ({"HTTP_IF_NONE_MATCH": f"w/{ETAG}"}, 200),  # W is upper case
        ({"HTTP_IF_NONE_MATCH": ETAG.upper()}, 200),
        # If-Modified-Since.
        ({"HTTP_IF_MODIFIED_SINCE": DATE}, 304),
        ({"HTTP_IF_MODIFIED_SINCE": LATER}, 304),
        ({"HTTP_IF_MODIFIED_SINCE": EARLIER}, 200),
        ({"HTTP_IF_MODIFIED_SINCE": NO_DATE}, 200),
        ({"HTTP_IF_MODIFIED_SINCE": DATE, "HTTP_IF_NONE_MATCH": '"other"'}, 200),
        ({"HTTP_IF_MODIFIED_SINCE": EARLIER, "HTTP_IF_NONE_MATCH": ETAG}, 304),
        # If-Match: strong comparison.
        ({"HTTP_IF_MATCH": ETAG}, 200),
        ({"HTTP_IF_MATCH": "*"}, 200),
        ({"HTTP_IF_MATCH": f'"other", {ETAG}'}, 200),
        ({"HTTP_IF_MATCH": f"W/{ETAG}"}, 412),
        ({"HTTP_IF_MATCH": '"other"'}, 412),
        ({"HTTP_IF_MATCH": ""}, 412),
        ({"HTTP_IF_MATCH": ETAG, "HTTP_IF_NONE_MATCH": ETAG}, 304),
        ({"HTTP_IF_MATCH": '"other"', "HTTP_IF_NONE_MATCH": ETAG}, 412),
        # If-Unmodified-Since, which counts without If-Match alone.
        ({"HTTP_IF_UNMODIFIED_SINCE": DATE}, 200),
        ({"HTTP_IF_UNMODIFIED_SINCE": LATER}, 200),
        ({"HTTP_IF_UNMODIFIED_SINCE": EARLIER}, 412),
        ({"HTTP_IF_UNMODIFIED_SINCE": NO_DATE}, 200),
        ({"HTTP_IF_UNMODIFIED_SINCE": EARLIER, "HTTP_IF_MATCH": ETAG}, 200),
    ],
    ids=str,
)
def test_conditions_are_evaluated_in_the_order_of_the_standard(
    fields: dict[str, str], status: int
) -> None:
    assert decision(fields, ETAG, NOW, DATE) == status


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"HTTP_IF_NONE_MATCH": f"W/{ETAG}"}, 304),
        ({"HTTP_IF_NONE_MATCH": ETAG}, 304),
        ({"HTTP_IF_MATCH": f"W/{ETAG}"}, 412),
        ({"HTTP_IF_MATCH": ETAG}, 412),
        ({"HTTP_IF_MATCH": "*"}, 200),
    ],
    ids=str,
)
def test_weak_tag_is_never_a_strong_match(fields: dict[str, str], status: int) -> None:
    assert decision(fields, f"W/{ETAG}", NOW, DATE) == status


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"HTTP_IF_NONE_MATCH": ETAG}, 200),
        ({"HTTP_IF_NONE_MATCH": "*"}, 304),
        ({"HTTP_IF_MATCH": ETAG}, 412),
        ({"HTTP_IF_MODIFIED_SINCE": http_date(0)}, 200),
        ({"HTTP_IF_UNMODIFIED_SINCE": http_date(0)}, 200),
    ],
    ids=str,
)
def test_file_without_a_date_has_no_validators(fields: dict[str, str], status: int) -> None:
    assert decision(fields, None, 0, None) == status


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes=0-9", (0, 10)),
        ("bytes=0-0", (0, 1)),
        ("bytes=99-99", (99, 1)),
        ("bytes=90-", (90, 10)),
        ("bytes=0-", (0, 100)),
        ("bytes=90-200", (90, 10)),
        ("bytes=-1", (99, 1)),
        ("bytes=-100", (0, 100)),
        ("bytes=-500", (0, 100)),
        ("Bytes=0-9", (0, 10)),
        ("bytes= 0-9", (0, 10)),
        ("bytes=00000000000000000000000-9", (0, 10)),
        ("bytes=0-99999999999999999999999", (0, 100)),
        ("bytes=-99999999999999999999999", (0, 100)),
        ("bytes=100-", 416),
        ("bytes=100-200", 416),
        ("bytes=99999999999999999999999-", 416),
        ("bytes=18446744073709551621-", 416),  # 2**64 + 5
        ("bytes=-0", 416),
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes", None),
        ("", None),
        ("bytes=a-b", None),
        ("bytes=1-b", None),
        ("bytes=0x1-2", None),
        ("bytes=+1-2", None),
        ("bytes=1--2", None),
        ("bytes=0-9-", None),
        ("bytes=0 - 9", None),
        ("bytes=0-1,5-6", None),
        ("bytes=0-9,", None),
        ("items=0-9", None),
        ("bytes=٠-٩", None),
    ],
)
def test_one_range_is_sent_and_anything_else_ignored(value: str, expected: object) -> None:
    assert part(value, 100) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("bytes=0-0", 416), ("bytes=-1", None), ("bytes=-0", 416)]
)
def test_empty_file_has_no_part(value: str, expected: object) -> None:
    assert part(value, 0) == expected


def test_range_of_any_text_lies_within_the_file() -> None:
    chance = random.Random(1)
    for _ in range(5000):
        value = "bytes=" + "".join(chance.choices("0123456789-, ", k=chance.randrange(8)))
        size = chance.randrange(30)
        found = part(value, size)
        if isinstance(found, tuple):
            assert 0 <= found[0] < size, (value, size)
            assert 0 < found[1] <= size - found[0], (value, size)


@pytest.mark.parametrize(
    ("validator", "etag", "date", "expected"),
    [
        (ETAG, ETAG, DATE, True),
        (DATE, ETAG, DATE, True),
        (f"W/{ETAG}", ETAG, DATE, False),
        (f"W/{ETAG}", f"W/{ETAG}", DATE, False),
        (DATE, f"W/{ETAG}", DATE, False),  # the file is young, and may change within this second
        (EARLIER, ETAG, DATE, False),
        (LATER, ETAG, DATE, False),
        ('"other"', ETAG, DATE, False),
        ("*", ETAG, DATE, False),
        (DATE, None, None, False),
        ("", None, None, False),
    ],
)
def test_if_range_is_a_strong_comparison(
    validator: str, etag: str | None, date: str | None, *, expected: bool
) -> None:
    assert may_go_on(validator, etag, date) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", (0, 0, -1)),
        ("gzip", (0, 1000, -1)),
        ("gzip, br", (1000, 1000, -1)),
        ("GZIP;Q=0.5, BR", (1000, 500, -1)),
        ("x-gzip", (0, 1000, -1)),
        ("gzip;q=0", (0, 0, -1)),
        ("gzip;q=0.000", (0, 0, -1)),
        ("gzip ; q=0.001", (0, 1, -1)),
        ("br;q=1.000, gzip;q=0.8, *;q=0.1", (1000, 800, -1)),
        ("*", (1000, 1000, -1)),
        ("*;q=0", (0, 0, 0)),
        ("*;q=0, gzip", (0, 1000, 0)),
        ("gzip;q=0.5, identity", (0, 500, 1000)),
        ("gzip, identity;q=0", (0, 1000, 0)),
        ("gzip;q=2", (0, 0, -1)),
        ("gzip;q=-1", (0, 0, -1)),
        ("gzip;q=0.0000", (0, 0, -1)),
        ("gzip;q", (0, 0, -1)),
        ("gzip;level=9", (0, 0, -1)),
        (",, gzip ,,", (0, 1000, -1)),
        ("gzip, gzip;q=0", (0, 1000, -1)),
        ("zstd, gzipped", (0, 0, -1)),
    ],
)
def test_codings_are_weighed_as_the_client_says(value: str, expected: tuple[int, ...]) -> None:
    assert accepted(value, ("br", "gzip")) == expected


def test_dates_are_those_of_the_standard_library() -> None:
    chance = random.Random(2)
    for seconds in (2, 951782400, 951868799, 4102444799, *chance.sample(range(2, 1 << 33), 500)):
        assert http_date(seconds) == email.utils.formatdate(seconds, usegmt=True)
        assert seconds_of(http_date(seconds)) == seconds


@pytest.mark.parametrize(
    "date",
    ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"],
)
def test_three_forms_of_a_date_are_read(date: str) -> None:
    assert seconds_of(date) == 784111777


@pytest.mark.parametrize(
    "date",
    [
        "",
        "0",
        "784111777",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Xyz 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1969 08:49:37 GMT",
        "Sun, ٠٦ Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT\n",
        " Sun, 06 Nov 1994 08:49:37 GMT",
    ],
)
def test_what_is_no_date_is_told(date: str) -> None:
    assert seconds_of(date) == -1
