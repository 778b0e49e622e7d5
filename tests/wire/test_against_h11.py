"""h11 as an oracle: it reads the first request of each case as we do, or the table in
h11_table.py says why not.

Runs in: cli
"""

from __future__ import annotations

import pytest

from tests.wire.case import Case
from tests.wire.corpus import ALL
from tests.wire.feeding import drive, whole
from tests.wire.h11_table import TABLE, Row
from tests.wire.oracle import ask_h11, first_of

# h11 has no settings like ours, so the cases that are about settings are left out.
CASES = [case for case in ALL if not case.settings]


def rows_for(case: Case) -> list[Row]:
    """The rows of the table that speak of the case."""
    return [
        row
        for row in TABLE
        if row.rule == case.rule
        and (case.name in row.names or (not row.names and case.status is not None))
    ]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_h11_agrees_or_the_table_says_why_not(case: Case) -> None:
    theirs = ask_h11(case.raw)
    ours = first_of(drive("native", whole(case.raw), case.settings))
    rows = rows_for(case)
    if theirs == ours:
        assert not rows, "the table says that they differ"
    else:
        assert [(row.h11, row.ours) for row in rows] == [(theirs.verdict, ours.verdict)]


def test_each_name_in_the_table_is_in_the_corpus() -> None:
    known = {(case.rule, case.name) for case in CASES}
    rules = {case.rule for case in CASES}
    assert not [row.rule for row in TABLE if row.rule not in rules]
    assert not [(r.rule, name) for r in TABLE for name in r.names if (r.rule, name) not in known]
