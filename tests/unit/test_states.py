"""The table of connection states, the code that asks it, and the drawing made from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.draw_states import AT, CORE, DRAWING, PAGE, TABLE, drawing, page, read

pytestmark = pytest.mark.skipif(not TABLE.exists(), reason="no checkout around the tests")


def source(module: str) -> str:
    (path,) = CORE.rglob(f"{module}.pyx")
    return path.read_text(encoding="utf-8")


def methods(module: str) -> dict[str, str]:
    """Name of a method -> its text."""
    parts = re.split(r"^    (?:cdef|cpdef|def) ", source(module), flags=re.M)[1:]
    found = {}
    for part in parts:
        name = re.match(r"(?:inline )?[\w ]*?\*?(\w+)\(", part)
        if name is not None:
            found[name[1]] = part
    return found


def test_drawing_is_up_to_date() -> None:
    """Else: python -m tools.draw_states."""
    assert PAGE.read_text(encoding="utf-8") == page(read())
    assert DRAWING.read_text(encoding="utf-8") == drawing(read())


def test_every_state_is_drawn() -> None:
    assert set(AT) == set(read().states)


def test_table_has_each_pair_once() -> None:
    pairs = [(row.before, row.event) for row in read().transitions]
    assert len(pairs) == len(set(pairs))


def test_every_state_is_reached_and_every_one_can_end() -> None:
    table = read()
    assert {row.after for row in table.transitions} == set(table.states)
    assert {row.before for row in table.transitions if row.event == "ENDED"} == set(table.states)


def test_table_knows_its_states_and_events() -> None:
    table = read()
    for row in table.transitions:
        assert {row.before, row.after} <= set(table.states)
        assert row.event in table.events


def test_each_transition_is_seen_to_where_the_table_says() -> None:
    for row in read().transitions:
        module, method = row.place.split(".")
        assert method in methods(module), row
        assert re.search(rf"\bmove\(\w+, {row.event}\)", methods(module)[method]), row


def test_states_change_by_the_table_alone() -> None:
    for path in sorted(Path(CORE).rglob("*.p[yx][xd]")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^(?!.*next_state).*\b(connection|left|other)\.state = ", text, re.M)
