"""Sockets that the server listens on.

Runs in: arbiter
"""

from __future__ import annotations

from fastfork.net.activation import PASSED_PREFIX, passed, passed_on, resolve, shown
from fastfork.net.listeners import Listener, close_listeners, open_listeners
from fastfork.net.places import Inherited, Place, Places, close_places, settle, silence
from fastfork.net.pool import Pool, key_of

__all__ = [
    "PASSED_PREFIX",
    "Inherited",
    "Listener",
    "Place",
    "Places",
    "Pool",
    "close_listeners",
    "close_places",
    "key_of",
    "open_listeners",
    "passed",
    "passed_on",
    "resolve",
    "settle",
    "shown",
    "silence",
]
