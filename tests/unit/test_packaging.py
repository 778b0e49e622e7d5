"""What an index shows, and when a build finds that there is nothing to do (setup.py)."""

from __future__ import annotations

import os
import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def build() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "setup.py"), run_name="build")


def test_links_of_the_readme_lead_out_of_an_index(build: dict[str, Any]) -> None:
    home = re.escape(PROJECT["urls"]["Repository"])
    targets = re.findall(r"\]\(([^)\s]+)\)", build["readme"]())
    assert len(targets) > 20
    for target in targets:
        assert re.match(r"https?://|#", target)
        if into := re.fullmatch(rf"{home}/(blob|tree|raw)/v[\d.]+/(.+)", target):
            assert (ROOT / into[2]).is_dir() == (into[1] == "tree")
            assert (ROOT / into[2]).exists()
    shown = (ROOT / "README.md").read_text()
    assert re.sub(r"\([^)]*\)", "", build["readme"]()) == re.sub(r"\([^)]*\)", "", shown)


@pytest.mark.parametrize("shown", ["[a](https://x.example/y)", "[a](#below)", "`x[1](2 3)`"])
def test_other_links_stay(
    build: dict[str, Any], shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pyproject.toml", "fastfork/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / "README.md").write_text(shown)
    monkeypatch.setitem(build["readme"].__globals__, "ROOT", tmp_path)
    assert build["readme"]() == shown


def test_what_was_made_before_the_last_change_is_made_again(
    build: dict[str, Any], tmp_path: Path
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for path, time in ((old, 100), (new, 200)):
        path.touch()
        os.utime(path, (time, time))
    is_newer = build["is_newer"]
    assert is_newer([new], [old, new])
    assert not is_newer([new, old], [old, new])
    assert not is_newer([new, tmp_path / "none"], [old])


def test_versions_that_are_named_are_those_that_the_checks_know() -> None:
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert PROJECT["requires-python"] == f">={named[0]}"
    assert f"versions=({' '.join(named)})" in (ROOT / "tools/wheels-check").read_text()
