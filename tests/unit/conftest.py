"""Fixtures of the unit tests: a compiled hub in this process.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.files import content
from tests.kit.inproc import App, Served

Serve = Callable[..., Served]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve an application: `serve(app, keepalive=0.1, ...)`, see Served.

    At the end each hub is closed and checked for what it left and what it logged.
    """
    opened: list[Served] = []

    def start(app: App, **settings: Any) -> Served:
        opened.append(Served(app, **settings))
        return opened[-1]

    yield start
    for served in reversed(opened):
        served.finish()


@pytest.fixture
def make_file(tmp_path: Path) -> Callable[[int], Path]:
    """Makes a file of a size."""

    def make(size: int) -> Path:
        path = tmp_path / "file"
        path.write_bytes(content(size))
        return path

    return make
