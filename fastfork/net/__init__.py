"""Sockets that the server listens on.

Runs in: arbiter
"""

from __future__ import annotations

from fastfork.net.activation import PASSED_PREFIX, passed, passed_on, resolve, shown
from fastfork.net.endpoints import (
    Endpoint,
    Endpoints,
    Inherited,
    close_endpoints,
    settle,
    stop_accepting_at,
)
from fastfork.net.listeners import Listener, close_listeners, open_listeners
from fastfork.net.pool import Pool, key_of

__all__ = [
    "PASSED_PREFIX",
    "Endpoint",
    "Endpoints",
    "Inherited",
    "Listener",
    "Pool",
    "close_endpoints",
    "close_listeners",
    "key_of",
    "open_listeners",
    "passed",
    "passed_on",
    "resolve",
    "settle",
    "shown",
    "stop_accepting_at",
]
