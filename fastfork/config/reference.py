"""Writes docs/reference/settings.md from the table: python -m fastfork.config.reference [PATH]

Runs in: cli
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from .gunicorn.leftout import part_of
from .gunicorn.names import OTHER_SETTINGS
from .settings import GROUPS, SETTINGS, heading
from .sources.unasked import DEFAULT_NAMES
from .spec import Reload, Spec

__all__ = ["PAGE", "entry", "main", "render"]

# In a checkout; an installed package has no docs beside it and needs a PATH.
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "settings.md"

_RELOAD: Final[dict[Reload, str]] = {
    "live": "taken by the running arbiter",
    "workers": "taken by the workers that replace the old ones",
    "server": "taken by a restart only",
}

_PREFACE: Final = f"""\
<!-- Made by `python -m fastfork.config.reference`.  Edit fastfork/config/groups/ instead. -->

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
        parts += [entry(spec) for spec in SETTINGS.values() if spec.group == heading(group)]
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


def entry(spec: Spec[Any]) -> str:
    """What the page says of one setting, ending in a newline."""
    lines = [f"### {spec.name}", "", spec.help]
    if spec.more:
        lines += ["", spec.more]
    lines += ["", f"- Option: {_options(spec)}", f"- Type: {spec.kind.name}"]
    lines.append(f"- Default: {_default(spec)}")
    environment = f"- Environment: `FASTFORK_{spec.name.upper()}`"
    if spec.env is not None:
        value = spec.env_form.format(f"${spec.env}")
        environment += f"; `{spec.env}` (as `{value}`), below a config file"
    lines.append(environment)
    lines.append(f"- On reload: {_RELOAD[spec.reload]}")
    return "\n".join(lines) + "\n"


def _options(spec: Spec[Any]) -> str:
    if not spec.flags:
        return "none, in a config file only"
    value = f" {spec.kind.metavar}" if spec.kind.metavar else ""
    twin = f", `--no-{spec.flags[-1].removeprefix('--')}`" if spec.kind.switch else ""
    return ", ".join(f"`{flag}{value}`" for flag in spec.flags) + twin


def _default(spec: Spec[Any]) -> str:
    shown = spec.kind.show(spec.default)
    return shown if shown == "none" else f"`{shown}`"


def main(arguments: Sequence[str]) -> int:
    """Write the page to the path given, else into the checkout.  Returns the exit code."""
    page = Path(arguments[0]) if arguments else PAGE
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
