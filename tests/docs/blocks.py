"""The fenced blocks of the pages: what language, which file, where.

A page is Markdown.  A block that is a file says so in its first line, which is a comment with
nothing but the file's name: `# shop.py`, `# /etc/nginx/conf.d/shop.conf`.  A `literalinclude` is
a block with the text of the file that it names.

Runs in: cli
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
# Directives that show no code.  Others are written with colons, so that what is in them is seen.
SILENT = {"{toctree}"}
NAME = re.compile(r"(?:#|//) ((?:[\w.@/-]+/)?(?:[\w@-][\w.@-]*\.\w+|Dockerfile))\Z")


class BadBlock(AssertionError):
    """A block that the scheme has no place for; the text says where it is and what to write."""


@dataclass(frozen=True)
class Block:
    """One block.  page: the file; line: of the fence, from 1; name: of the file it is, or ""."""

    page: Path
    line: int
    language: str
    text: str
    name: str = ""

    @property
    def where(self) -> str:
        """PAGE:LINE, as a compiler says it."""
        page = self.page.relative_to(ROOT) if self.page.is_relative_to(ROOT) else self.page
        return f"{page}:{self.line}"


def pages() -> list[Path]:
    """Every page of the documentation, and the README."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, in order.  Raises BadBlock."""
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text()):
        line = (token.map or [0])[0] + 1
        if token.type == "code_block":
            raise BadBlock(f"{page}:{line}: code that is only indented; fence it, with a language")
        if token.type == "fence":
            words = token.info.split()
            if words[:1] == ["{literalinclude}"]:
                yield _included(page, line, words, token.content)
            elif words[:1] == ["{include}"]:
                _must_be_a_page(page, line, words)
            elif not words or words[0] not in SILENT:
                yield _fenced(page, line, words, token.content)


def _must_be_a_page(page: Path, line: int, words: list[str]) -> None:
    """What is included has its blocks played where it is a page itself."""
    if [(page.parent / word).resolve() for word in words[1:]] not in [[one] for one in pages()]:
        raise BadBlock(f"{page}:{line}: include takes a page, whose blocks are played there")


def _fenced(page: Path, line: int, words: list[str], text: str) -> Block:
    if len(words) != 1 or not words[0].isalnum():
        raise BadBlock(f"{page}:{line}: a fence has one word, the language; this one has {words}")
    first, _, _ = text.partition("\n")
    named = NAME.match(first)
    return Block(page, line, words[0], text, named[1] if named else "")


def _included(page: Path, line: int, words: list[str], options: str) -> Block:
    language = re.search(r"^:language: (\w+)$", options, re.M)
    if len(words) != 2 or not language:
        raise BadBlock(f"{page}:{line}: literalinclude has a file, and a line `:language: WORD`")
    file = page.parent / words[1]
    return Block(page, line, language[1], file.read_text(), file.name)
