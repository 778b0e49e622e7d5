"""What the server tells a statsd of itself.

Runs in: both
"""

from __future__ import annotations

from .gathering import current, flush, setup

__all__ = ["current", "flush", "setup"]
