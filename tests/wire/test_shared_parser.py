"""One head parser serves all connections of a worker: whatever bytes one of them sends, the
next one is read as if they had never been there.

Runs in: cli
"""

from __future__ import annotations

import pytest

from fastfork.http import BACKENDS, Limits, make_head_parser
from tests.wire.case import Case, Want, accept, get, post
from tests.wire.corpus import ALL
from tests.wire.feeding import connection_with, differences, drive, read_all, whole

CASES = [case for case in ALL if not case.settings]

AFTERWARDS = (
    accept("plain", get()),
    accept(
        "1.0 with a body",
        post("Content-Length: 1", body="x", version="HTTP/1.0"),
        Want(method="POST", version=(1, 0), keep_alive=False, content_length=1, body=b"x"),
    ),
    accept("plain once more", get()),
)


@pytest.fixture(params=sorted(BACKENDS))
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_connection_changes_how_the_next_one_is_read(backend: str, case: Case) -> None:
    shared = make_head_parser(backend, Limits(), 1 << 30)
    first = read_all(connection_with(shared), whole(case.raw))
    assert first == drive(backend, whole(case.raw), {})
    for after in AFTERWARDS:
        assert not differences(after, read_all(connection_with(shared), whole(after.raw)))


def test_the_whole_corpus_through_one_parser_reads_as_through_many(backend: str) -> None:
    shared = make_head_parser(backend, Limits(), 1 << 30)
    changed = [
        str(case)
        for case in CASES
        if read_all(connection_with(shared), whole(case.raw)) != drive(backend, [case.raw], {})
    ]
    assert not changed
