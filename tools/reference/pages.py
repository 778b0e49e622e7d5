"""The table of pages, and the one function that writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tools.reference import (
    command_line,
    exit_codes,
    hooks,
    logs,
    metrics,
    requests,
    settings,
    signals,
)

__all__ = ["FOLDER", "PAGES", "write"]

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "reference"

# Name of the page in FOLDER -> what returns its text, which ends in a newline.
PAGES: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "command-line": command_line.render,
        "exit-codes": exit_codes.render,
        "hooks": hooks.render,
        "logging": logs.render,
        "metrics": metrics.render,
        "requests": requests.render,
        "settings": settings.render,
        "signals": signals.render,
    }
)


def write(folder: Path, names: Iterable[str]) -> None:
    """Write the pages `names` into `folder`, which is made if it is not there.

    Raises OSError when it cannot be written, KeyError for a name that is not in PAGES.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.md").write_text(PAGES[name](), encoding="utf-8")
