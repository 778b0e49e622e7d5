"""Files that the pages for readers of the code name are there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "ARCHITECTURE.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "docs" / "GLOSSARY.md",
    *sorted((ROOT / "docs" / "explanation").glob("inside-*.md")),
    *sorted((ROOT / "docs" / "explanation").glob("between-*.md")),
]
KINDS = "py|pyx|pxd|pyi|c|h|hex|json|md|sh|supp|svg|toml|tsv|yml"
NAMED = re.compile(rf"`([\w*.{{}},/-]+\.(?:{KINDS}))`")
FOLDER = re.compile(r"`([\w.-]+(?:/[\w.-]+)*/)`")
# A name stands below one of these, as whoever writes of the code shortens it.
BELOW = ("", "fastfork", "csrc", "csrc/fastfork/_core", "tests", "fastfork/config/checks")
PLACEHOLDERS = re.compile(r"(?<![A-Za-z])(?:NAME|GROUP|NUMBER|KIND)(?![A-Za-z])")
# Made by a build or by whoever reads; and names that no file may have.
NOT_IN_THE_TREE = re.compile(r"^build/|^NUMBER\.|^(?:util|helpers|misc|common)\.py$")
STEPS = re.compile(r"^## (Add an? .+)\n((?:(?!^## ).*\n)+)", re.M)

pytestmark = pytest.mark.skipif(not PAGES[0].exists(), reason="no checkout around the tests")


@cache
def names() -> frozenset[str]:
    """The names of all files, and of all folders with a slash, without what they are in."""
    folders = ("fastfork", "csrc", "tests", "tools", "benchmarks", "docs", "standin", "findings")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    paths += ROOT.glob("*")
    return frozenset(f"{path.name}/" if path.is_dir() else path.name for path in paths)


def is_there(name: str) -> bool:
    """Whether the tree has a file or folder that may be called so."""
    pattern = PLACEHOLDERS.sub("*", name)
    if "/" not in pattern.rstrip("/"):
        return any(re.fullmatch(pattern.replace(".", r"\.").replace("*", ".*"), n) for n in names())
    return any(next((ROOT / base).glob(pattern.rstrip("/")), None) for base in BELOW)


def named(text: str) -> list[str]:
    return sorted({*NAMED.findall(text), *FOLDER.findall(text)})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_are_there(page: Path) -> None:
    missing = [
        name
        for name in named(page.read_text(encoding="utf-8"))
        if not NOT_IN_THE_TREE.match(name) and not is_there(name)
    ]
    assert missing == []


def test_each_way_to_add_something_names_its_files_in_order() -> None:
    ways = dict(STEPS.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    things = ("setting", "signal", "metric", "gateway", "protocol")
    assert {f"Add a {thing}" for thing in things} <= set(ways)
    for way, text in ways.items():
        steps = [int(number) for number in re.findall(r"^(\d+)\. ", text, re.M)]
        assert steps == list(range(1, len(steps) + 1)), way
        assert len(named(text)) >= 4, way


def test_a_file_that_is_gone_would_be_missed() -> None:
    assert is_there("fastfork/arbiter/signals.py")
    assert is_there("arbiter/signals.py")
    assert is_there("signals.py")
    assert is_there("csrc/fastfork/_core/NAME.pyx")
    assert is_there("fastfork/config/groups/")
    for gone in (
        "fastfork/arbiter/gone.py",
        "gone.py",
        "arbiter/gone.py",
        "gone/",
        "fastfork/gone/",
    ):
        assert not is_there(gone)
