"""A server as part of somebody's program: what `fastfork.serve` and `fastfork.testing` stand on.

Runs in: both
"""

from __future__ import annotations

from fastfork.embed.application import Application, named
from fastfork.embed.keywords import read
from fastfork.embed.serving import arbiter_for, mark_as_server, serve

__all__ = ["Application", "arbiter_for", "mark_as_server", "named", "read", "serve"]
