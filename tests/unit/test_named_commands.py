"""Commands of the project's own that pages and the Makefile name are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [
    path
    for pattern in ("Makefile", "*.md", "docs/**/*.md", "benchmarks/*.md", ".ci/run", "tools/*")
    for path in sorted(ROOT.glob(pattern))
    if path.is_file() and path.name != "CHANGELOG.md"
]
COMMAND = re.compile(r"-m ((?:benchmarks|tests|tools|fastfork)(?:\.\w+)+)")

pytestmark = pytest.mark.skipif(not (ROOT / "Makefile").exists(), reason="no checkout")


def commands() -> list[tuple[str, str]]:
    """(file, module) of each `-m MODULE`."""
    return sorted(
        {
            (str(path.relative_to(ROOT)), module)
            for path in TEXTS
            for module in COMMAND.findall(path.read_text(encoding="utf-8"))
        }
    )


def test_there_are_commands_to_look_at() -> None:
    assert len(commands()) > 20


@pytest.mark.parametrize(("file", "module"), commands())
def test_module_that_is_to_be_run_is_there(file: str, module: str) -> None:
    path = ROOT.joinpath(*module.split("."))
    assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), file
