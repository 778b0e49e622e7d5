"""The words of our own that names of files and classes use are in the glossary."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "csrc" / "fastfork" / "_core"
GLOSSARY = ROOT / "docs" / "GLOSSARY.md"
ENTRY = re.compile(r"^- \*\*([^*]+)\*\*: (\S.+)", re.M)

# What everybody who serves HTTP calls so.  No word of ours belongs here.
PLAIN_WORDS = """
    asgi base builder chunks codec connection connections deadlines debugger deflate empty
    environ field file files filewrapper forks frames greenlet greenlets head headers http
    http1 httptools input limits lines listeners listening message messages nghttp parser
    parsers proxy request response scan server session socket static stream task text tls
    web websocket words wrapper wsgi
"""
PLAIN = frozenset(PLAIN_WORDS.split())

pytestmark = pytest.mark.skipif(not GLOSSARY.exists(), reason="no checkout around the tests")


def entries() -> dict[str, str]:
    """Word -> its sentence."""
    return {
        word: sentence
        for words, sentence in ENTRY.findall(GLOSSARY.read_text(encoding="utf-8"))
        for word in words.split(", ")
    }


def classes() -> list[str]:
    return sorted(
        name
        for path in CORE.rglob("*.pyx")
        for name in re.findall(r"^(?:cdef )?class (\w+)", path.read_text(encoding="utf-8"), re.M)
    )


def unknown(name: str) -> list[str]:
    """Words of a name in CamelCase, or of a file, that are explained nowhere."""
    known = PLAIN | set(entries())
    if name.lower() in known:
        return []
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]
    return [word for word in words if word not in known and word.removesuffix("s") not in known]


def test_words_of_files_are_explained() -> None:
    stems = {path.stem for kind in ("*.pyx", "*.pxd") for path in CORE.rglob(kind)}
    assert {stem: unknown(stem) for stem in sorted(stems) if unknown(stem)} == {}


def test_words_of_classes_are_explained() -> None:
    assert {name: unknown(name) for name in classes() if unknown(name)} == {}


def test_each_word_is_explained_once_and_in_a_sentence() -> None:
    words = [
        word
        for found in ENTRY.findall(GLOSSARY.read_text(encoding="utf-8"))
        for word in found[0].split(", ")
    ]
    assert len(words) == len(set(words))
    assert set(words) & PLAIN == set()
    lines = GLOSSARY.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("- ") and not ENTRY.match(line)] == []
