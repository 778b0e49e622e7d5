"""Importing the worker class: what is said when it does not import."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fastfork.arbiter.forking import spawn
from fastfork.errors import ConfigError


@pytest.fixture
def nothing_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "fastfork.workers.reactor", raising=False)
    monkeypatch.setitem(sys.modules, "fastfork._core.conn.batch", None)  # type: ignore[arg-type]


@pytest.mark.usefixtures("nothing_compiled")
def test_source_tree_that_is_not_built_says_what_to_type(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    setup = tmp_path / "setup.py"
    setup.touch()
    monkeypatch.setattr(spawn, "SETUP", setup)
    with pytest.raises(ConfigError, match=r"^this is the source tree, .*; use `make serve` or"):
        spawn.worker_class("sync")


@pytest.mark.usefixtures("nothing_compiled")
def test_broken_installation_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(spawn, "SETUP", tmp_path / "setup.py")
    with pytest.raises(ConfigError, match="install fastfork again"):
        spawn.worker_class("sync")
