"""Who gathers the metrics of this process, if anybody wants them.

Runs in: both
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastfork.config import Config

    from .statsd import Statsd

__all__ = ["current", "flush", "setup"]


class _State:
    """The one of this process; set up before it forks."""

    statsd: Statsd | None = None


_state = _State()


def _in_child() -> None:
    """What a fork inherits is its parent's to send."""
    if _state.statsd is not None:
        _state.statsd.after_fork()


os.register_at_fork(after_in_child=_in_child)


def setup(cfg: Config) -> None:
    """Send metrics where `cfg` says, nowhere without `statsd_host`.  Never raises."""
    if _state.statsd is not None:
        _state.statsd.close()
        _state.statsd = None
    if cfg.statsd_host is None:
        return
    from fastfork.config.kinds.sinks import parse_statsd  # here: most servers tell nobody

    from .statsd import Statsd

    sink = parse_statsd(cfg.statsd_host)
    _state.statsd = Statsd(sink, prefix=cfg.statsd_prefix, tags=cfg.dogstatsd_tags)
    _state.statsd.open()  # the workers inherit it: no request waits for a name to be looked up


def current() -> Statsd | None:
    """Return what gathers the metrics of this process, if anybody wants them."""
    return _state.statsd


def flush() -> None:
    """Send what was gathered.  Never raises."""
    if _state.statsd is not None:
        _state.statsd.flush()
