"""The words of our own that names of Python files and classes use are in the glossary."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.test_glossary import GLOSSARY, PLAIN, entries

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "fastfork"
DOORS = {"__init__", "__main__"}

# What they mean here, they mean to everybody who writes servers, or Python.  No word of ours
# belongs here.
PLAIN_WORDS = """
    accepting access accesslog account accounts action actions activation address agents
    announce app application asgiloop asgitls asked assembly async backends backoff bad basic
    beating boot bug by called caller captured certificates channel chart child children class
    clf client clock closing code collector command compiled completion config configure counter
    counters daemon death demo descriptors destination detached development directory
    disconnected dispatch encrypted end endpoint endpoints epoll error errorlog errors
    errorstream escaping event exit exitcodes exits explain extension factory facts failed
    failure families fastfork faults fd filter finalize finder format formatter formatters
    forwarded found from gathered gathering gevent gunicorn handler has heartbeat helptext hints
    histogram history holder hook hooks how id import inheritance inherited int interface job
    json jsontemplate keywords kind leniency lifespan limit line list listener load loaded
    loader loading log logconfig logformat logger logs logstreams main mediatypes memory metric
    metrics module modules mounted names no not note notifier notify of once option options
    order other our ours own ownership page pages parent part passed pattern peers permissions
    pid pidfile plan point poller prepared print privilege privileges problem process program
    prometheus proxies proxy pulse queue raw reactor reading reap reason recent recipe records
    refusal refused reload report requestid resolved restoring runnable running safe sample
    saying scratch selector selectors serverlogger service serving settings shared sharing
    shutdown signal signals silence source sources spawn spec stacks stalled standard start
    startup state stats statsd status stop such supervised sync syslog system table tcp terminal
    thread threads time title tls together tomlfile trust trusted turns unix unwritten upgrade
    upgrading user value values variable variables view viewed views waiter warm watched woken
    worker workerclass workers
"""
KNOWN = PLAIN | frozenset(PLAIN_WORDS.split())

pytestmark = pytest.mark.skipif(not GLOSSARY.exists(), reason="no checkout around the tests")


def words(name: str) -> list[str]:
    """The words of a name in CamelCase, or with underscores."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


def unknown(name: str) -> list[str]:
    """The words of a name that are explained nowhere."""
    known = KNOWN | set(entries())
    if name.lower() in known:
        return []
    return [
        word for word in words(name) if word not in known and word.removesuffix("s") not in known
    ]


def test_words_of_python_files_are_explained() -> None:
    stems = {path.stem for path in PACKAGE.rglob("*.py")} - DOORS
    assert {stem: unknown(stem) for stem in sorted(stems) if unknown(stem)} == {}


def test_words_of_python_classes_are_explained() -> None:
    names = {
        name
        for path in PACKAGE.rglob("*.py")
        for name in re.findall(r"^class _?(\w+)", path.read_text(encoding="utf-8"), re.M)
    }
    assert {name: unknown(name) for name in sorted(names) if unknown(name)} == {}


def test_each_word_that_is_explained_is_used() -> None:
    sources = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.pyi")]
    sources += [
        path for path in (ROOT / "csrc").rglob("*.*") if path.suffix in (".pyx", ".pxd", ".h")
    ]
    text = "\n".join(f"{path.stem}\n{path.read_text(encoding='utf-8')}" for path in sources).lower()
    assert [word for word in entries() if word.replace(" ", "") not in text.replace(" ", "")] == []
