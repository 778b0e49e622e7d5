"""The reference page of requests is complete and readable.

Runs in: cli
"""

from __future__ import annotations

import pytest

from fastfork.config.settings import SETTINGS
from tests.wire.corpus import ALL, WHY
from tools.reference.requests import code, escaped, render


def test_every_rule_has_a_reason_and_every_reason_a_rule() -> None:
    assert set(WHY) == {case.rule for case in ALL}


def test_every_case_has_a_row_of_three_cells() -> None:
    rows = [line for line in render().splitlines() if line.startswith("| ")]
    assert len(rows) == len(ALL) + len(WHY) + len(WHY) + 1  # heads of tables, and the contents
    for row in rows:
        bars = row.replace("\\\\", "").replace("\\|", "").count("|")
        assert bars in (4, 5), row


def test_settings_that_are_named_exist() -> None:
    named = {name for why in WHY.values() for name in why.settings}
    assert not [name for name in named if name not in SETTINGS]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"GET / HTTP/1.1\r\n", "`GET / HTTP/1.1\\r\\n`"),
        (b"a|b", "`a\\|b`"),
        (b"a`b", "`` a`b ``"),
        (b"\x00\xff\\\t'", "`\\x00\\xff\\\\\\t'`"),
    ],
)
def test_bytes_are_shown_as_a_reader_would_type_them(raw: bytes, shown: str) -> None:
    assert code(raw) == shown


def test_long_inputs_show_both_ends() -> None:
    shown = code(b"begin" + b"x" * 1000 + b"end")
    assert shown.startswith("`beginx")
    assert shown.endswith("xend`")
    assert len(shown) < 140


def test_escaped_bytes_can_be_read_back() -> None:
    everything = bytes(range(256))
    assert (
        escaped(everything).encode("ascii").decode("unicode_escape").encode("latin-1") == everything
    )
