"""What a process does before it forks, so that its children share its memory.

Runs in: cli
"""

from __future__ import annotations

import fcntl
import gc
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastfork.logs.base.bounded_writer import BoundedWriter
from fastfork.process import finalize, inherited

HIGH = 500  # no descriptor of the test run


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


class Known:
    """Has an attribute of a name that nothing else in this process has."""


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="names are not counted any more")
def test_names_that_were_looked_up_are_referred_to_no_more_before_a_fork() -> None:
    name = sys.intern("looked_up_in_" + __name__)
    setattr(Known, name, None)
    getattr(Known, name)
    before = sys.getrefcount(name)
    inherited.freeze(is_start=True)
    assert sys.getrefcount(name) < before


def test_all_objects_are_looked_at_only_when_a_buffer_may_belong_to_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[None] = []
    monkeypatch.setattr(finalize, "_files", lambda _objects: looks.append(None) or [])
    monkeypatch.setattr(finalize, "STANDARD", HIGH - 1)  # pytest has some of its own
    with (tmp_path / "file").open("w") as file:
        writer = BoundedWriter(fcntl.fcntl(file.fileno(), fcntl.F_DUPFD_CLOEXEC, HIGH))
        finalize.flush_before_fork()
        assert not looks  # a log has no buffer
        writer.close()
        other = fcntl.fcntl(file.fileno(), fcntl.F_DUPFD_CLOEXEC, HIGH)
        finalize.flush_before_fork()
        assert looks
        os.close(other)


def test_buffer_of_a_file_is_found_whatever_its_class(tmp_path: Path) -> None:
    class Derived(io.BufferedWriter):
        pass

    with Derived(io.FileIO(tmp_path / "file", "wb")) as file:
        assert finalize._files([1, "text", file, file.raw, None]) == [file]
