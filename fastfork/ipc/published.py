"""Words of the scoreboard that say whether what stands beside them may be read.

Who writes publishes one that means no, then writes, then publishes one that says what is there; who
reads looks before and behind, and reads again when it was not the same.  Python's own stores and
loads would do on x86; arm64 may move them over each other.

Runs in: both
"""

from __future__ import annotations

from fastfork._core import published

__all__ = ["look", "publish"]

look, publish = published.look, published.publish
