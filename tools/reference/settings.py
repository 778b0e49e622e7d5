"""docs/reference/settings.md, from the table of settings."""

from __future__ import annotations

from typing import Final

from fastfork.config import explain
from fastfork.config.gunicorn.leftout import part_of
from fastfork.config.gunicorn.names import OTHER_SETTINGS
from fastfork.config.settings import GROUPS, SETTINGS, heading
from fastfork.config.sources.unasked import DEFAULT_NAMES

__all__ = ["render"]

_PREFACE: Final = f"""\
<!-- Made from fastfork/config/groups by `make docs-reference`. -->

# Settings

Every setting has a name for config files, and most have an option. Sources, from weak to strong:

1. the default;
2. `PORT`, `WEB_CONCURRENCY` and `SENDFILE` in the environment, for the settings that name them;
3. the config file: `-c PATH`, `-c python:MODULE`, or else the first of {
    ", ".join(f"`{name}`" for name in DEFAULT_NAMES)
} that is there;
4. `FASTFORK_<NAME>` in the environment, for every setting: `FASTFORK_TIMEOUT=2m`;
5. options in the variable `GUNICORN_CMD_ARGS`, then those in `FASTFORK_CMD_ARGS`;
6. the command line.

An empty variable counts as unset. Lists in a variable have commas between their members; a hook is
named as `package.module.function`.

Durations are seconds, or a number with `ms`, `s`, `m`, `h` or `d`. Sizes are bytes, or a number
with `K`, `M` or `G` (powers of 1024). Options of flags have a `--no-` twin.

In a Python config file all top-level names are settings or your own: variables, imports and
functions that are called as no setting are left alone, and one that is a single edit away from a
setting gets a line. In TOML, where there is nothing but settings, an unknown key is an error.
[Coming from gunicorn](../how-to/migrate-from-gunicorn.md) has what differs.

`fastfork config show` prints what is not at its default and where it came from, `fastfork
--print-config` every value, `fastfork config explain NAME` what is below. Bad values are told
together, one line each, and the server does not start; on a reload the old settings stay.
"""

_LEFT_OUT: Final = """\
## Settings of gunicorn that are not here

In a config file, a variable or an option each of them is recognised; one line at start names those
that are ignored. `certfile`, `keyfile` and `protocol = "uwsgi"` are refused
instead: without them the server would answer what it should not, or nothing.

| part | instead | settings |
|---|---|---|
"""


def render() -> str:
    """The page, ending in a newline."""
    parts = [_PREFACE]
    for group in GROUPS:
        parts.append(f"## {heading(group)}\n")
        parts += [explain.entry(spec) for spec in SETTINGS.values() if spec.group == heading(group)]
    parts.append(_left_out())
    return "\n".join(parts)


def _left_out() -> str:
    """The settings of gunicorn that are not here, by the part of it that they belong to."""
    named: dict[str, list[str]] = {}
    for name in OTHER_SETTINGS:
        part, instead = part_of(name)
        named.setdefault(f"| {part} | {instead[0].upper()}{instead[1:]}", []).append(name)
    rows = "\n".join(
        f"{begin} | {', '.join(f'`{name}`' for name in names)} |" for begin, names in named.items()
    )
    return _LEFT_OUT + rows + "\n"
