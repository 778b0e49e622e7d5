"""The one look at a line of a log, compiled: it says what the methods of str say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastfork._core.plain import is_plain

LONGEST = 300


def by_hand(text: str, quotes: int) -> bool:
    return (
        text.isascii()
        and text.isprintable()
        and "\\" not in text
        and text.count('"') == quotes
        and len(text) <= LONGEST
    )


@given(st.text(max_size=100), st.integers(0, 3))
def test_any_text_is_judged_as_by_hand(text: str, quotes: int) -> None:
    assert is_plain(text, quotes, LONGEST) is by_hand(text, quotes)


@given(st.text('ab "', max_size=LONGEST + 5), st.integers(0, 3))
def test_harmless_text_is_judged_as_by_hand(text: str, quotes: int) -> None:
    assert is_plain(text, quotes, LONGEST) is by_hand(text, quotes)


@pytest.mark.parametrize("code", range(256))
@pytest.mark.parametrize("at", [0, 1, 15, 16, 31, 32, 63, 99])
def test_one_character_decides_wherever_it_stands(code: int, at: int) -> None:
    text = "x" * at + chr(code) + "y" * (99 - at)
    assert is_plain(text, 0, LONGEST) is by_hand(text, 0)
    assert is_plain(text, 1, LONGEST) is by_hand(text, 1)


def test_length_is_bounded() -> None:
    assert is_plain("x" * LONGEST, 0, LONGEST)
    assert not is_plain("x" * (LONGEST + 1), 0, LONGEST)
    assert is_plain("", 0, 0)


def test_only_text_is_taken() -> None:
    for other in (None, b"x", 1):
        with pytest.raises(TypeError):
            is_plain(other, 0, LONGEST)  # type: ignore[arg-type]
