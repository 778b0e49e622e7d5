"""Every input that a fuzzer left is tried on everything in every run of the tests: those of
the plain C too, as requests.  (`make c-test` tries them on the plain C itself.)
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fuzz import parsing, serving
from tests.fuzz.inputs import KEPT, decode, encode, found, kept
from tests.wire.case import get, post
from tests.wire.corpus import ALL

TO_CHUNKED = post("Transfer-Encoding: chunked")
C_FRONTS = {"head": 5, "chunked": 4}  # bytes of limits and options


def as_request(name: str, data: bytes) -> bytes:
    """The input of any fuzzer in the form of tests/fuzz/inputs.py, taken in two packet sizes."""
    if name not in C_FRONTS:
        return data
    raw = data[C_FRONTS[name] :]
    options = bytes([data[4] & 31]) if name == "head" and len(data) > 4 else b"\0"
    manner = len(raw) % 128
    front = bytes(5) + options + b"\x02\x28" + bytes([manner])
    return front + (raw if name == "head" else TO_CHUNKED + raw)


def complaints(name: str, check: Callable[[bytes], None]) -> list[str]:
    """What does not hold, a line for each input: all of them at once."""
    lines = []
    for data in kept(name):
        try:
            check(as_request(name, data))
        except AssertionError as error:
            lines.append(f"{data.hex()}: {str(error)[:200]}")
    return lines


@pytest.mark.parametrize("name", ["head", "chunked", "parser", "hub"])
def test_kept_inputs_have_one_verdict_in_both_parsers(name: str) -> None:
    assert not complaints(name, parsing.check)


@pytest.mark.parametrize("name", ["head", "chunked", "parser", "hub"])
def test_kept_inputs_get_the_answers_that_the_parser_says(name: str) -> None:
    assert not complaints(name, serving.check)


@pytest.mark.parametrize("manner", [0, serving.HTTPTOOLS | serving.LEAVES | serving.HURRIES])
def test_corpus_gets_the_answers_that_the_parser_says(manner: int) -> None:
    for case in ALL:
        if len(case.raw) < 3000:
            serving.check(encode(case.raw, case.settings, manner))


def test_kept_sessions_keep_the_rules() -> None:
    sessions = pytest.importorskip("tests.fuzz.sessions", exc_type=ImportError)
    assert all(sessions.check(data) is None for data in (*kept("session"), b"\x07", b"\x00\x01"))


def test_checks_find_what_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    fine = encode(get())
    parsing.check(fine)
    serving.check(fine)
    monkeypatch.setattr(parsing, "byte_by_byte", lambda raw: [raw[:-1]])
    with pytest.raises(AssertionError, match="byte by byte"):
        parsing.check(fine)
    monkeypatch.setattr(serving, "text_of", lambda request: b"another answer")
    with pytest.raises(AssertionError):
        serving.check(fine)


def test_any_bytes_are_an_input() -> None:
    assert decode(b"").raw == b""
    assert decode(b"").pieces() == []
    assert decode(b"\xff" * 12).settings["head"] == 0  # no limit
    for case in ALL:
        given = decode(encode(case.raw, case.settings, 77))
        assert given.raw == b"".join(given.pieces()) == case.raw
        assert given.manner == 77
        assert set(case.settings) <= set(given.settings)


def test_kept_inputs_are_few_and_those_with_a_story_say_it() -> None:
    assert sum(path.stat().st_size for path in KEPT.iterdir()) < 320_000
    for name in ("head", "chunked", "parser", "hub", "http2", "session"):
        lines = found(name)
        stories = [number for number, line in enumerate(lines) if not line.startswith("#")]
        assert all(lines[number - 1].startswith("#") for number in stories)
