"""The tables of mutants fit the sources; that the tests catch them is seen by running
`make mutants-core` and `python -m tests.wire.mutants`, which take minutes.

Runs in: cli
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wire.mutant import place
from tests.wire.mutants import MUTANTS
from tests.wire.mutants_core import MUTANTS as CORE

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("mutant", [*MUTANTS, *CORE], ids=lambda mutant: mutant.bug)
def test_text_of_a_mutant_is_in_the_source_once(mutant: tuple[str, ...]) -> None:
    file, old, new = mutant[0], mutant[-2], mutant[-1]
    assert place(ROOT / "csrc", file).read_text().count(old) == 1
    assert old != new


def test_tests_that_are_to_catch_a_mutant_exist() -> None:
    named = {test for mutant in CORE for test in mutant.tests}
    assert not [test for test in named if not (ROOT / test.partition("::")[0]).is_file()]


def test_there_are_mutants_of_every_kind() -> None:
    assert len(MUTANTS) >= 80
    assert len(CORE) >= 40
