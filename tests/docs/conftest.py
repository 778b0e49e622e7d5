"""The sandbox of one page.

Runs in: cli
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.sandbox import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A new one, whose path is short enough for unix sockets."""
    made = Sandbox(Path(tempfile.mkdtemp(prefix="ff-")))
    yield made
    made.close()
