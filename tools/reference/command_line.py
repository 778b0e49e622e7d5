"""docs/reference/command-line.md, from the parsers and the table of settings."""

from __future__ import annotations

import argparse
import re
import signal
from collections.abc import Iterator, Sequence
from typing import Final

from fastfork.arbiter import SIGNALS
from fastfork.cli import configure, signal_command, status
from fastfork.cli.parser import USAGE, CommandLineParser
from fastfork.config import SETTINGS
from tools.reference.markdown import table

__all__ = ["render"]

_HEAD: Final = f"""# Command line

<!-- Made from the parsers in fastfork/cli and from the settings by `make docs-reference`. -->

`python -m fastfork` is the same as `fastfork`. What it ends with is in [exit codes](exit-codes.md).

## fastfork

`{USAGE}`

`MODULE:APP` names the application: `shop:app` is the object `app` of the module `shop`,
`shop.web:app` one in a package, `'shop:create_app("production")'` what a factory returns, called in
each worker with literal arguments. It may be left out when the setting `wsgi_app` has it.

Options come from everywhere: before and behind the application, `--name VALUE` and `--name=VALUE`.
They cannot be abbreviated. A switch `--x` can be switched off by `--no-x`. Options that say
"repeatable" are given once for each value.

"""

_SIGNAL: Final = """\
Sends a signal to the process that the pid file names: the one of `--pid`, else of the setting
`pidfile` in the config file that a server started here would read.

"""
_STATUS: Final = """\
Shows what a running server does; it must have [admin_bind](settings.md#admin_bind).

"""


def render() -> str:
    """The page, as Markdown."""
    config = f"`{configure.USAGE.replace(', ', '`, `')}`"
    parts = (
        _HEAD,
        table(("option", "what it does"), _own_options()),
        *_setting_options(),
        f"## fastfork config\n\n{config}\n\n",
        table(("command", "what it does"), _verbs()),
        "`show` and `check` take the options that a start takes.\n\n",
        f"## fastfork signal\n\n`{signal_command.USAGE}`\n\n{_SIGNAL}",
        table(("name", "signal", "what the arbiter does"), _signals()),
        f"## fastfork status\n\n`{status.USAGE}`\n\n{_STATUS}",
        table(("option", "what it does"), _options(status.parser())),
        "## Environment\n\n",
        table(("variable", "what it sets"), _variables()),
    )
    return "".join(parts).rstrip() + "\n"


def _own_options() -> Iterator[Sequence[str]]:
    """The options that are no settings: they print something, and leave."""
    told = {
        "--help": "print the options that most servers need",
        "--help-all": "print every option",
        "--version": "print the version; with `--verbose` what a bug report needs",
        "--print-completion": "print what completes options in `bash`, `zsh` or `tcsh`",
    }
    for action in CommandLineParser()._actions:
        if action.option_strings and (what := told.get(action.option_strings[-1])):
            yield _flags(action), what


def _setting_options() -> Iterator[str]:
    """A heading and a table for each group of settings that has options."""
    groups: dict[str, list[Sequence[str]]] = {}
    for name, spec in SETTINGS.items():
        if spec.flags:
            value = f" {spec.kind.metavar}" if spec.kind.metavar else ""
            flags = ", ".join(f"`{flag}{value}`" for flag in spec.flags)
            row = (flags, f"[{name}](settings.md#{name})", spec.help)
            groups.setdefault(spec.group, []).append(row)
    for group, rows in groups.items():
        yield f"### {group}\n\n" + table(("option", "setting", "what it does"), rows)


def _verbs() -> Iterator[Sequence[str]]:
    for verb, what in re.findall(r"^  (\w+) +(.+)$", configure.HELP, re.M):
        yield f"`config {verb}`", what


def _signals() -> Iterator[Sequence[str]]:
    for signum, action in SIGNALS.items():
        if action.name:
            short = signal.Signals(signum).name.removeprefix("SIG")
            yield f"`{action.name}`, `{short}`", signal.Signals(signum).name, action.help


def _options(parser: argparse.ArgumentParser) -> Iterator[Sequence[str]]:
    for action in parser._actions:
        if action.option_strings and action.dest != "help":
            yield _flags(action), str(action.help)


def _variables() -> Iterator[Sequence[str]]:
    yield "`FASTFORK_<NAME>`", "the setting of that name: `FASTFORK_TIMEOUT=2m`"
    yield "`FASTFORK_CMD_ARGS`", "options, as on the command line, which wins"
    yield "`GUNICORN_CMD_ARGS`", "the same for users of gunicorn; `FASTFORK_CMD_ARGS` wins"
    for name, spec in SETTINGS.items():
        if spec.env:
            form = spec.env_form.format(f"${spec.env}")
            told = f"[{name}](settings.md#{name}) (as `{form}`); a config file wins"
            yield f"`{spec.env}`", told
    yield "`NOTIFY_SOCKET`, `LISTEN_FDS` and their kin", "set by [systemd](../how-to/systemd.md)"
    yield "`NO_COLOR`, `FORCE_COLOR`", "never or always colours in the error log"


def _flags(action: argparse.Action) -> str:
    value = f" {action.metavar}" if action.metavar else ""
    return ", ".join(f"`{flag}{value}`" for flag in action.option_strings)
