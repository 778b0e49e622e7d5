"""Sockets that the server listens on.

Runs in: arbiter
"""

from __future__ import annotations

from fastfork.net.activation import passed, resolve, shown
from fastfork.net.listeners import Listener, close_listeners, open_listeners

__all__ = ["Listener", "close_listeners", "open_listeners", "passed", "resolve", "shown"]
