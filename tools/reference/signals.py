"""docs/reference/signals.md, from the table of signals."""

from __future__ import annotations

import signal

from fastfork.arbiter import SIGNALS

__all__ = ["render"]

_HEAD = """# Signals

<!-- Made from fastfork/arbiter/signals.py by `make docs-reference`. -->

What each signal means to the arbiter. `fastfork signal NAME` sends one by its name, to the process
that the pid file names (`--pid FILE`, else the `pidfile` setting of the config file here). How
they are carried out: [reload, upgrade, stop](../how-to/reload-upgrade-stop.md).

| signal | `fastfork signal` | what the arbiter does |
|---|---|---|
"""
_TAIL = """
A worker that gets TERM itself finishes what it has and is replaced; INT, QUIT: it leaves at once.
The other signals of this table do a worker no harm, so the whole process group may get them.
"""


def render() -> str:
    """The page, as Markdown."""
    rows = []
    for signum, action in SIGNALS.items():
        name = f"`{action.name}`" if action.name else "-"
        rows.append(
            f"| {signal.Signals(signum).name.removeprefix('SIG')} | {name} | {action.help} |"
        )
    return _HEAD + "\n".join(rows) + "\n" + _TAIL
