"""Raw values on their way from a source to the settings, each with its origin.

Runs in: cli
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Given", "Raw"]


@dataclass(frozen=True)
class Raw:
    """A value as a source gave it; origin says where, for messages."""

    value: object
    origin: str


# Name of a setting -> the value that a source gives it.
Given = dict[str, Raw]
