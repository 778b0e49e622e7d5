"""A logger_class that changes nothing: what is measured is the way through it.

Runs in: both
"""

from __future__ import annotations

from fastfork.logs.glogging import Logger


class OwnLogger(Logger):
    """gunicorn's Logger, subclassed."""
