"""What the server tells a statsd of itself.

Runs in: both
"""

from __future__ import annotations

from .statsd import Statsd, current, flush, setup

__all__ = ["Statsd", "current", "flush", "setup"]
