"""What a check says of a setting.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from fastfork.records import record

__all__ = ["Problem"]


@record(frozen=True)
class Problem:
    """Something wrong with a setting: fatal, or worth a line at start.

    harmless: the server does what was meant, so the line is no warning.
    """

    name: str
    text: str
    fatal: bool = True
    harmless: bool = False
