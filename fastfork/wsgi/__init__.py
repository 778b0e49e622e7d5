"""The application: how it is found and loaded.

Runs in: both
"""

from __future__ import annotations

from .loader import as_asgi, check_before_fork, check_interface, load_any, load_app
from .prepared import load

__all__ = ["as_asgi", "check_before_fork", "check_interface", "load", "load_any", "load_app"]
