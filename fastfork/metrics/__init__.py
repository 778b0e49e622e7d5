"""What the server tells a statsd of itself.

Runs in: both
"""

from __future__ import annotations

from .statsd import LogCounter, Statsd, current, flush, handler, setup

__all__ = ["LogCounter", "Statsd", "current", "flush", "handler", "setup"]
