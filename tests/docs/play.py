"""Plays a page: its blocks one after the other, in one sandbox.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from tests.docs.blocks import ROOT, Block, blocks
from tests.docs.checks import check, have_installed, take_installation
from tests.docs.console import Console, commands
from tests.docs.sandbox import Sandbox


def name_of(page: Path) -> str:
    """The page as the table of excuses has it."""
    return str(page.relative_to(ROOT)) if page.is_relative_to(ROOT) else page.name


def play(
    page: Path, sandbox: Sandbox, excused: Mapping[str, str], *, patience: float = 10.0
) -> None:
    """Run every block that is not excused.  Raises AssertionError with PAGE:LINE.

    excused: exact commands, and first lines of `text` blocks, with the reason.
    patience: seconds for what a page shows of a server to come.
    """
    console = Console(sandbox, patience)
    try:
        for block in blocks(page):
            _play_block(block, console, sandbox, excused)
    except BaseException:
        with suppress(AssertionError):  # the first error is the one that tells
            console.finish()
        raise
    console.finish()


def _play_block(
    block: Block, console: Console, sandbox: Sandbox, excused: Mapping[str, str]
) -> None:
    if block.language == "console":
        for command in commands(block):
            installs = take_installation(command.where, command.text)
            if installs:
                have_installed(command.text)
            elif command.text not in excused:
                console.run(command)
    elif block.language != "text" or first_line(block) not in excused:
        check(block, sandbox)


def excusable(page: Path) -> Iterator[str]:
    """What of a page an entry in the table can name."""
    for block in blocks(page):
        if block.language == "console":
            yield from (command.text for command in commands(block))
        elif block.language == "text":
            yield first_line(block)


def first_line(block: Block) -> str:
    """What names a block that is no console in the table of excuses."""
    return block.text.partition("\n")[0]
