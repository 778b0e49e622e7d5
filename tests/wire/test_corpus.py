"""The corpus through every parser: whole, byte by byte, and cut in two at every position.

Runs in: cli
"""

from __future__ import annotations

from collections import Counter

import pytest

from fastfork.http import BACKENDS
from tests.wire.case import Case
from tests.wire.corpus import ALL
from tests.wire.feeding import byte_by_byte, differences, drive, in_two, whole


@pytest.fixture(params=sorted(BACKENDS))
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("case", ALL, ids=str)
def test_request_is_read_or_refused_as_its_rule_says(backend: str, case: Case) -> None:
    assert not differences(case, drive(backend, whole(case.raw), case.settings))


@pytest.mark.parametrize("case", ALL, ids=str)
def test_verdict_does_not_depend_on_the_packets(backend: str, case: Case) -> None:
    at_once = drive(backend, whole(case.raw), case.settings)
    assert drive(backend, byte_by_byte(case.raw), case.settings) == at_once
    for pieces in in_two(case.raw):
        assert drive(backend, pieces, case.settings) == at_once, f"cut at {len(pieces[0])}"


@pytest.mark.parametrize("case", ALL, ids=str)
def test_both_parsers_say_the_same(case: Case) -> None:
    verdicts = {
        name: drive(name, whole(case.raw), case.settings).verdict() for name in sorted(BACKENDS)
    }
    assert verdicts["httptools"] == verdicts["native"]


def test_names_in_the_corpus_are_unique() -> None:
    assert not [name for name, count in Counter(map(str, ALL)).items() if count > 1]


def test_each_rule_has_cases_and_both_verdicts_are_there() -> None:
    refused = [case for case in ALL if case.status]
    assert len(ALL) >= 600
    assert len(refused) >= 350
    assert {case.status for case in refused} == {400, 413, 414, 417, 431, 501, 505}


@pytest.mark.parametrize(("more", "status"), [(0, None), (1, 431)])
def test_default_size_of_a_head_is_256_kibibytes(
    backend: str, more: int, status: int | None
) -> None:
    """Too long for the corpus, whose cases are cut everywhere."""
    lines = b"".join(b"A-%02d: %s\r\n" % (number, b"x" * 8000) for number in range(32))
    start = b"GET / HTTP/1.1\r\nHost: a\r\n" + lines
    room = (256 << 10) - len(start) - len(b"B: \r\n\r\n")
    raw = start + b"B: " + b"x" * (room + more) + b"\r\n\r\n"
    outcome = drive(backend, whole(raw), {})
    assert (outcome.status, len(outcome.requests)) == (status, 0 if status else 1)
