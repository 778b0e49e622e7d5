"""Options are read the same way with and without argparse."""

from __future__ import annotations

import random

import pytest

from fastfork.config import SETTINGS
from fastfork.config.gunicorn.names import OTHER_OPTIONS
from fastfork.config.sources.options import read_variable
from fastfork.config.sources.words import ARGUMENTS, plain
from fastfork.errors import OptionError

FLAGS = [flag for spec in SETTINGS.values() for flag in spec.flags]
NEGATED = [f"--no-{flag.removeprefix('--')}" for flag in FLAGS]
VALUES = ["1", "a b", "-", "--", "-1", "-x", "", "shop:app", "x=y", "@file", "8000", "é"]
ODD = ["--help", "-h", "--nothing", "-w4", "-w=4", "--bin", *OTHER_OPTIONS]


def by_argparse(words: list[str]) -> dict[str, object] | None:
    """What argparse makes of them; None for what it refuses."""
    try:
        found = read_variable(words)
    except OptionError:
        return None
    return {name: value for name, value in found.items() if (name, value) != (ARGUMENTS, [])}


@pytest.mark.parametrize("seed", range(60))
def test_words_that_are_read_without_argparse_mean_the_same_to_it(seed: int) -> None:
    chance = random.Random(seed)
    kinds = (FLAGS, FLAGS, VALUES, [f"{f}={v}" for f in FLAGS for v in VALUES], NEGATED, ODD)
    for _ in range(10):
        words = [chance.choice(chance.choice(kinds)) for _ in range(chance.randint(1, 4))]
        found = plain(words)
        if found is not None:
            assert found == by_argparse(words), words


@pytest.mark.parametrize("flag", FLAGS)
def test_every_option_of_the_table_is_read_without_argparse(flag: str) -> None:
    (spec,) = (spec for spec in SETTINGS.values() if flag in spec.flags)
    if spec.kind.alone is not None:
        assert plain([flag]) is None
        return
    words = [flag] if spec.kind.switch else [flag, "1"]
    found = plain([*words, "shop:app", *words])
    assert found is not None
    assert found == by_argparse([*words, "shop:app", *words])
    if spec.kind.switch and flag.startswith("--"):
        off = f"--no-{flag.removeprefix('--')}"
        assert plain([off]) == by_argparse([off]) == {spec.name: False}


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--nothing"],
        ["a:b", "c:d"],
        ["--bind"],
        ["--bind", "-x"],
        ["--bind="],
        ["-w4"],
        ["--preload=1"],
        ["--no-bind"],
        ["--", "a:b"],
    ],
)
def test_what_is_not_plain_is_left_to_argparse(words: list[str]) -> None:
    assert plain(words) is None


def test_values_keep_the_order_of_the_table() -> None:
    found = plain(["--workers", "2", "-b", ":1", "-b", ":2", "shop:app"])
    assert list(found or ()) == ["bind", "workers", ARGUMENTS]
    assert found == {"bind": [":1", ":2"], "workers": "2", ARGUMENTS: ["shop:app"]}
