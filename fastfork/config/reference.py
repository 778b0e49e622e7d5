"""Writes docs/reference/settings.md from the table: python -m fastfork.config.reference [PATH]

Runs in: cli
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from .file import DEFAULT_NAMES
from .settings import GROUPS, SETTINGS, heading
from .spec import Reload, Spec

__all__ = ["PAGE", "main", "render"]

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
2. its own environment variable, for the few that have one (an empty one counts as unset);
3. the config file: `-c PATH`, `-c python:MODULE`, or else {
    " or ".join(f"`{name}`" for name in DEFAULT_NAMES)
} when it is there;
4. options in the variable `GUNICORN_CMD_ARGS`, then those in `FASTFORK_CMD_ARGS`;
5. the command line.

Durations are seconds, or a number with `ms`, `s`, `m`, `h` or `d`. Sizes are bytes, or a number
with `K`, `M` or `G` (powers of 1024). Options of flags have a `--no-` twin. `fastfork
--print-config` shows every value and where it came from. Bad values are told together, one line
each, and the server does not start; on a reload it goes on with the old settings.
"""


def render() -> str:
    """The page, ending in a newline."""
    parts = [_PREFACE]
    for group in GROUPS:
        parts.append(f"## {heading(group)}\n")
        parts += [_entry(spec) for spec in SETTINGS.values() if spec.group == heading(group)]
    return "\n".join(parts)


def _entry(spec: Spec[Any]) -> str:
    lines = [f"### {spec.name}", "", spec.help]
    if spec.more:
        lines += ["", spec.more]
    lines += ["", f"- Option: {_options(spec)}", f"- Type: {spec.kind.name}"]
    lines.append(f"- Default: {_default(spec)}")
    if spec.env is not None:
        value = spec.env_form.format(f"${spec.env}")
        lines.append(f"- Environment: `{spec.env}` (as `{value}`)")
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
