"""The environment variables that the application finds.

Runs in: both
"""

from __future__ import annotations

from typing import Final

import fastfork
from fastfork.config import SETTINGS, Config

__all__ = ["for_application", "for_hooks", "software"]

_USUAL: Final = SETTINGS["server_header"].default


def software(cfg: Config) -> str:
    """SERVER_SOFTWARE: `server_header` where it is set, else our name and version."""
    if cfg.server_header in ("", _USUAL):
        return f"fastfork/{fastfork.__version__}"
    return cfg.server_header


def for_hooks(cfg: Config) -> tuple[str, ...]:
    """KEY=VALUE each, for the arbiter.  Without `raw_env`: its workers would keep what a reload
    has dropped."""
    return (f"SERVER_SOFTWARE={software(cfg)}",)


def for_application(cfg: Config) -> tuple[str, ...]:
    """KEY=VALUE each: SERVER_SOFTWARE, by which applications know that a server runs them (in the
    environ it is too late for what they do when they are imported), then `raw_env`."""
    return (*for_hooks(cfg), *cfg.raw_env)
