"""The reference page of the command line is made from the parsers."""

from __future__ import annotations

import re

from fastfork.cli.parser import CommandLineParser
from fastfork.cli.signal_command import names
from fastfork.config.gunicorn.names import OTHER_OPTIONS
from tools.reference.command_line import render


def test_page_has_every_option_once() -> None:
    page = render().partition("## fastfork config")[0]
    for action in CommandLineParser()._actions:
        for flag in action.option_strings:
            if flag.startswith("--no-") or flag == "--verbose" or flag in OTHER_OPTIONS:
                continue  # twins, a word behind --version, and what gunicorn alone has
            rows = re.findall(rf"(?:^\| |^\|.*, )`{flag}[ `]", page, re.M)
            assert len(rows) == 1, flag


def test_page_has_every_name_of_a_signal() -> None:
    page = render()
    assert all(f"`{name}`" in page or f"| {name} |" in page for name in names())
