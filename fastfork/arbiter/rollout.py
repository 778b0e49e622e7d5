"""What a reload may change, and the memory of it while it is under way.

The stepping itself is in plan.py.

Runs in: arbiter
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

from fastfork.config import SETTINGS, Config, Loaded

log = logging.getLogger("fastfork.error")


@dataclass
class Rollout:
    """A reload under way, or several: one that another SIGHUP starts over is not complete.

    previous, target: the settings and the number of workers to go back to when a replacement
    does not boot.
    since: the first generation of workers that has other settings than `previous`.
    """

    previous: Loaded
    target: int
    since: int


def without_server_settings(new: Loaded, running: Config) -> Loaded:
    """The loaded settings, with those that only a restart changes as they are.

    Each one that the file asks to change is named in the log.
    """
    kept: dict[str, Any] = {}
    for name, spec in SETTINGS.items():
        before, after = getattr(running, name), getattr(new.config, name)
        if spec.reload == "server" and before != after:
            kept[name] = before
            log.warning("%s changed; restart the server for it: a reload keeps %s", name, before)
    return replace(new, config=replace(new.config, **kept))
