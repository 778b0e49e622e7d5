"""Programs that a test needs: skipped without them, failed where CI says that all must run."""

from __future__ import annotations

import sys

import pytest
from _pytest.outcomes import Failed, Skipped

from tests.kit.programs import program, run


@pytest.mark.parametrize(("ci", "outcome"), [("true", Failed), ("", Skipped)])
def test_missing_program_is_named_with_what_to_type(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="no program-nobody-has; type: apt-get install"):
        program("program-nobody-has")


def test_what_a_program_writes_is_returned() -> None:
    done = run(sys.executable, "-c", "import sys; print(sys.stdin.read().upper())", given=b"abc")
    assert (done.text, done.said) == ("ABC\n", "")


def test_program_that_fails_fails_the_test_with_what_it_said() -> None:
    with pytest.raises(AssertionError, match="on purpose"):
        run(sys.executable, "-c", "import sys; sys.exit('on purpose')")
