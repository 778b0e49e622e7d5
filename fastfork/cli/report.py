"""What --print-config and `config show` print.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from fastfork.config import SETTINGS, Loaded, Spec

__all__ = ["changed_lines", "config_lines"]

# Longer values push their origin no further to the right.
WIDEST = 40

# Without effect in a config file; shown as a comment, as functions are.
NOT_IN_A_FILE = ("config", "check_config", "print_config")


def config_lines(loaded: Loaded) -> Iterator[str]:
    """Yield the settings as a config file, each with its origin in a comment."""
    for group, specs in groupby(SETTINGS.values(), lambda spec: spec.group):
        yield f"# {group}"
        for spec in specs:
            yield _line(spec, loaded)
        yield ""


def changed_lines(loaded: Loaded) -> Iterator[str]:
    """Yield the same for the settings that are not at their default."""
    for spec in SETTINGS.values():
        if not loaded.is_default(spec.name):
            yield _line(spec, loaded)


def _line(spec: Spec[Any], loaded: Loaded) -> str:
    value = getattr(loaded.config, spec.name)
    shown = spec.kind.show(value) if callable(value) else repr(value)
    written = f"{spec.name} = {shown}"
    if spec.name in NOT_IN_A_FILE or callable(value):
        written = f"# {written}"
    return f"{written:<{WIDEST}}  # {loaded.origins[spec.name]}"
