"""The kinds of value that name users, groups and permission bits.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

import re
from typing import Final

from fastfork import accounts

from .basic import Kind, complaint

__all__ = ["GROUP", "MODE", "OPTIONAL_MODE", "OWNER", "USER", "split_owner"]

ALL_BITS: Final = 0o777
# Python's own form and the shell's; gunicorn reads a bare 22 as decimal, and nobody means that.
_OCTAL = r"0o?([0-7]{1,4})\Z|0\Z"


def _account(value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise complaint(value, "is no name and no number", "write it like 'www-data' or 33")
    if "\0" in str(value):
        raise complaint(value, "has a NUL byte", "write it like 'www-data' or 33")
    return str(value).strip()


def _user(value: object) -> str | None:
    text = _account(value)
    try:
        if text is not None:
            accounts.user(text)
    except accounts.NoSuchAccount as error:
        raise complaint(value, f"is unknown: {error}", "write one of /etc/passwd") from None
    return text


def _group(value: object) -> str | None:
    text = _account(value)
    try:
        if text is not None:
            accounts.group(text)
    except accounts.NoSuchAccount as error:
        raise complaint(value, f"is unknown: {error}", "write one of /etc/group") from None
    return text


def split_owner(owner: str) -> tuple[str | None, str | None]:
    """User and group of USER, USER:GROUP or :GROUP."""
    user, _, group = owner.partition(":")
    return user or None, group or None


def _owner(value: object) -> str | None:
    text = _account(value)
    if text is not None:
        user, group = split_owner(text)
        _user(user)
        _group(group)
    return text


def _mode(value: object) -> int:
    number = value
    if isinstance(value, str):
        match = re.match(_OCTAL, value.strip(), re.IGNORECASE)
        number = int(match[1] or "0", 8) if match else None
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= ALL_BITS:
        raise complaint(value, "is no set of permission bits", "write them in octal, such as 0o022")
    return number


def _optional_mode(value: object) -> int | None:
    return None if value is None or value == "" else _mode(value)


def _show_mode(mode: int | None) -> str:
    return "none" if mode is None else f"{mode:#o}"


def _show(text: str | None) -> str:
    return text or "none"


USER: Kind[str | None] = Kind("user", "USER", _user, show=_show)
GROUP: Kind[str | None] = Kind("group", "GROUP", _group, show=_show)
OWNER: Kind[str | None] = Kind("owner", "USER:GROUP", _owner, show=_show)
MODE: Kind[int] = Kind("permission bits", "MODE", _mode, show=_show_mode)
OPTIONAL_MODE: Kind[int | None] = Kind("permission bits", "MODE", _optional_mode, show=_show_mode)
