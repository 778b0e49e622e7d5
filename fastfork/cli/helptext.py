"""The text of --help and --help-all, made from the settings table.

Each option is shown with its type, its default and the variable that sets it.  --help has what
most servers set and nothing more; nobody reads a list of everything twice.

Runs in: cli
"""

from __future__ import annotations

import argparse
import shutil
import textwrap
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Final

from fastfork.config import SETTINGS, Spec

__all__ = ["COMMON", "COMPLETION", "render", "variables"]

# What --help shows; a setting that is set by one server in twenty has no place here.
COMMON: Final = (
    "config",
    "check_config",
    "bind",
    "workers",
    "threads",
    "worker_class",
    "timeout",
    "graceful_timeout",
    "keepalive",
    "max_requests",
    "preload_app",
    "chdir",
    "raw_env",
    "pidfile",
    "user",
    "group",
    "accesslog",
    "errorlog",
    "loglevel",
    "reload",
)
COMPLETION: Final = "--print-completion"
GENERAL: Final = (
    ("-h, --help", "Show the options that most servers need, and exit."),
    ("--help-all", "Show every option, and exit."),
    ("-v, --version", "Show the version and exit; with --verbose what a bug report needs."),
    (f"{COMPLETION} SHELL", "Print what completes options in bash, zsh or tcsh, and exit."),
)
_EPILOG: Final = (
    "MODULE:APP names a WSGI application, or one of ASGI where the worker class is asgi: shop:app "
    "is the object `app` of the module `shop`, 'shop:create_app()' calls a factory. Durations are "
    "seconds, or 500ms, 2m; sizes are bytes, or 512M. What is called FASTFORK_... is "
    "an environment variable that sets the same. `fastfork config` says what is set and why, "
    "`fastfork signal NAME` tells a running server something, `fastfork status` shows what it "
    "does; each has a --help of its own."
)
_INDENT: Final = 26  # columns before the explanation
_WIDEST: Final = 100  # columns; longer lines are hard to read
_NARROWEST: Final = 60


def render(parser: argparse.ArgumentParser, *, everything: bool) -> str:
    """Return the help text, as wide as the terminal (COLUMNS).  everything: settings beyond COMMON
    too."""
    width = max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns))
    # `_actions` is what argparse's own formatter reads.
    actions = {action.dest: action for action in parser._actions}
    lines = [f"usage: {parser.usage}", *_section("General", GENERAL, width)]
    for group, specs in groupby(SETTINGS.values(), lambda spec: spec.group):
        rows = [
            (_shown(actions[spec.name]), explanation(spec))
            for spec in specs
            if spec.flags and (everything or spec.name in COMMON)
        ]
        lines += _section(group, rows, width)
    lines += _filled(_only_in_files() if everything else _more(), width)
    lines += _filled(_EPILOG, width)
    return "\n".join(lines) + "\n"


def explanation(spec: Spec[Any]) -> str:
    """Return the sentence of a setting, then type, default and variables."""
    kind = spec.kind.name.replace("`", "")
    default = spec.kind.show(spec.default)
    return f"{spec.help} [{kind}; default {default}; {', '.join(variables(spec))}]"


def variables(spec: Spec[Any]) -> Iterator[str]:
    """Yield the environment variables that set this one."""
    yield f"FASTFORK_{spec.name.upper()}"
    if spec.env is not None:
        yield spec.env


def _shown(action: argparse.Action) -> str:
    """`-w, --workers N`."""
    metavar = "" if action.nargs == 0 else f" {action.metavar}"
    return ", ".join(action.option_strings) + metavar


def _section(name: str, rows: Any, width: int) -> Iterator[str]:
    if not rows:
        return
    yield f"\n{name}:"
    for option, text in rows:
        yield from _row(option, text, width)


def _row(option: str, text: str, width: int) -> Iterator[str]:
    margin = " " * _INDENT
    wrapped = textwrap.wrap(text, width - _INDENT, break_long_words=False, break_on_hyphens=False)
    head = f"  {option}"
    if len(head) + 2 > _INDENT:
        yield head
    else:
        wrapped[0] = head.ljust(_INDENT) + wrapped[0]
        margin = ""
    for number, line in enumerate(wrapped):
        yield (margin if number == 0 else " " * _INDENT) + line


def _filled(text: str, width: int) -> list[str]:
    wrapped = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return ["", *wrapped]


def _more() -> str:
    return f"There are {len(SETTINGS)} settings: fastfork --help-all shows the other options."


def _only_in_files() -> str:
    names: Mapping[str, Spec[Any]] = {
        name: spec for name, spec in SETTINGS.items() if not spec.flags and name != "wsgi_app"
    }
    return f"Only in a config file: {', '.join(names)}."
