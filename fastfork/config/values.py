"""Raw values on their way from a source to the settings, and what a check says of them.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from fastfork.records import field, record

__all__ = ["ARGUMENTS", "OTHERS", "ConfigFile", "Given", "Problem", "Raw"]


@record(frozen=True)
class Raw:
    """A value as a source gave it; origin says where, for messages."""

    value: object
    origin: str


# Beside the settings that a command line gives: the arguments without a dash, and the options that
# gunicorn has and we have not.
ARGUMENTS = " arguments"
OTHERS = " others"

# Name of a setting -> the value that a source gives it.
Given = dict[str, Raw]


@record(frozen=True)
class ConfigFile:
    """What a config file says.

    shown: how it is called in messages.  given: values by setting.  others: those of gunicorn's
    settings that we do not have.  notices, bad: lines to tell, and to refuse the file with.
    """

    shown: str
    given: Given = field(default_factory=dict)
    others: Given = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)


@record(frozen=True)
class Problem:
    """Something wrong with a setting: fatal, or worth a line at start.

    harmless: the server does what was meant, so the line is no warning.
    """

    name: str
    text: str
    fatal: bool = True
    harmless: bool = False
