"""The reference page of logging is made from the tables, and they are what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fastfork.config.kinds.logformat import ATOMS
from fastfork.logs.page import PAGE, main, render
from fastfork.metrics.table import METRICS

IN_CHECKOUT = Path(__file__).parents[2] / "docs" / "reference" / "logging.md"
SOURCES = Path(__file__).parents[2] / "fastfork"


@pytest.mark.skipif(not IN_CHECKOUT.parent.is_dir(), reason="no checkout around the tests")
def test_page_is_up_to_date() -> None:
    """When this fails: python -m fastfork.logs.page"""
    assert IN_CHECKOUT.read_text(encoding="utf-8") == render()


def test_page_has_every_atom_and_every_metric() -> None:
    page = render()
    for name in ATOMS:
        assert page.count(f"| `%({name})s` |") == 1
    for name in METRICS:
        assert page.count(f"| `{name}` |") == 1


@pytest.mark.skipif(not IN_CHECKOUT.parent.is_dir(), reason="no checkout around the tests")
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


def test_page_is_written_where_it_is_told(tmp_path: Path) -> None:
    page = tmp_path / "made" / "logging.md"
    assert main([str(page)]) == 0
    assert page.read_text(encoding="utf-8") == render()
    assert PAGE.parts[-3:] == ("docs", "reference", "logging.md")
