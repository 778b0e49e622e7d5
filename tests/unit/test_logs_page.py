"""The reference page of logging is made from the tables, and they are what the code does."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from fastfork.config.kinds.logformat import ATOMS
from fastfork.logs import LOGGER
from fastfork.metrics.statsd import METRICS
from tools.reference.logs import render

SOURCES = Path(__file__).parents[2] / "fastfork"


def test_page_has_every_atom_and_every_metric() -> None:
    page = render()
    for name in ATOMS:
        assert page.count(f"| `%({name})s` |") == 1
    for name in METRICS:
        assert page.count(f"| `{name}` |") == 1


def without_the_table(source: str) -> str:
    """The code that sends, which does not include the table of what is sent."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "METRICS":
            source = source.replace(ast.get_source_segment(source, node) or "", "")
    return source


@pytest.mark.skipif(not SOURCES.is_dir(), reason="no checkout around the tests")
def test_metrics_of_the_page_are_those_of_the_code() -> None:
    told = {name.removesuffix(".NNN") for name in METRICS}
    files = [
        SOURCES / "metrics" / "statsd.py",
        SOURCES / "logs" / "error" / "counter.py",
        SOURCES / "arbiter" / "server_stats.py",
        SOURCES / "workers" / "asgi.py",
    ]
    text = "\n".join(without_the_table(path.read_text()) for path in files)
    named = set(re.findall(r'"((?:gunicorn|fastfork)\.[a-z_.]+)', text)) - {LOGGER.name}
    assert {name.rstrip(".") for name in named} == told
