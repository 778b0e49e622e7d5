"""The application: how it is found and loaded.

Runs in: both
"""

from __future__ import annotations

from .loader import check_before_fork, load_app

__all__ = ["check_before_fork", "load_app"]
