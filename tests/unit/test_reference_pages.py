"""The pages of docs/reference are what the tables in the code make of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.reference.__main__ import main
from tools.reference.pages import FOLDER, PAGES

ROOT = Path(__file__).resolve().parents[2]
WRITTEN_BY_HAND = {"index"}

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no checkout around the tests")


@pytest.mark.parametrize("name", PAGES)
def test_page_is_up_to_date(name: str) -> None:
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert text == PAGES[name](), "type: make docs-reference"


def test_every_page_of_the_reference_is_in_the_table() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} - WRITTEN_BY_HAND == set(PAGES)


def test_pages_are_written_where_they_are_told(tmp_path: Path) -> None:
    assert main(["--into", str(tmp_path / "made")]) == 0
    assert {path.stem for path in (tmp_path / "made").iterdir()} == set(PAGES)


def test_only_the_page_that_is_named_is_written(tmp_path: Path) -> None:
    assert main(["--into", str(tmp_path), "signals"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["signals.md"]


def test_a_page_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["setings"])
    assert "'setings' is no page; there are command-line, exit-codes" in capsys.readouterr().err


def test_nothing_in_the_package_is_a_script_of_its_own() -> None:
    """What only writes pages is not installed: of the package the command alone is run."""
    scripts = [
        path
        for path in sorted((ROOT / "fastfork").rglob("*.py"))
        if re.search(r"^if __name__ ==", path.read_text(encoding="utf-8"), re.M)
    ]
    assert [str(path.relative_to(ROOT)) for path in scripts] == ["fastfork/__main__.py"]
    assert not list((ROOT / "fastfork").rglob("*.md"))
