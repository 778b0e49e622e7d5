"""The reference page of logging is made from the tables, and they are what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fastfork.config.kinds.logformat import ATOMS
from fastfork.metrics.table import METRICS
from tools.reference.logs import render

SOURCES = Path(__file__).parents[2] / "fastfork"


def test_page_has_every_atom_and_every_metric() -> None:
    page = render()
    for name in ATOMS:
        assert page.count(f"| `%({name})s` |") == 1
    for name in METRICS:
        assert page.count(f"| `{name}` |") == 1


@pytest.mark.skipif(not SOURCES.is_dir(), reason="no checkout around the tests")
def test_metrics_of_the_page_are_those_of_the_code() -> None:
    told = {name.removesuffix(".NNN") for name in METRICS}
    files = [
        SOURCES / "metrics" / "statsd.py",
        SOURCES / "logs" / "error" / "counter.py",
        SOURCES / "arbiter" / "gauges.py",
    ]
    text = "\n".join(path.read_text() for path in files)
    named = set(re.findall(r'"((?:gunicorn|fastfork)\.[a-z_.]+)', text))
    assert {name.rstrip(".") for name in named} == told
