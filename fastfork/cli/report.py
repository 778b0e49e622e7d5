"""What --print-config and --check-config print.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from fastfork.config import SETTINGS, Loaded

__all__ = ["config_lines"]

# Longer values push their origin no further to the right.
WIDEST = 40


def config_lines(loaded: Loaded) -> Iterator[str]:
    """The settings as a config file, each with its origin in a comment."""
    for group, specs in groupby(SETTINGS.values(), lambda spec: spec.group):
        yield f"# {group}"
        for spec in specs:
            written = f"{spec.name} = {getattr(loaded.config, spec.name)!r}"
            if spec.name in ("config", "check_config", "print_config"):
                written = f"# {written}"  # without effect in a config file
            yield f"{written:<{WIDEST}}  # {loaded.origins[spec.name]}"
        yield ""
