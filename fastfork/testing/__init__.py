"""A real server for test suites: `with running_server(app) as server:`, and `server.url`.

Runs in: both
"""

from __future__ import annotations

from fastfork.testing.server import RunningServer, running_server

__all__ = ["RunningServer", "running_server"]
