"""Where the admin pages may listen.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from typing import Final

from fastfork import address
from fastfork.errors import BadAddress

from .basic import ADDRESSES, BadValue, Kind, complaint

__all__ = ["ADMIN_ADDRESSES"]

ADVICE: Final = "write one such as 127.0.0.1:9000 or unix:/run/shop/admin.sock"


def _parse(value: object) -> tuple[str, ...]:
    if value in (None, "", (), []):
        return ()
    words = ADDRESSES.parse(value)
    for word in words:
        _check(word)
    return words


def _check(word: str) -> None:
    """TCP, and sockets that have a file: its mode says who may control the server."""
    try:
        where = address.parse(word)
    except BadAddress as error:
        raise BadValue(str(error)) from None
    if isinstance(where, address.UnixAddress) and where.is_abstract:
        raise complaint(word, "has no file, so everybody may use it", ADVICE)
    if not isinstance(where, address.UnixAddress | address.TcpAddress):
        raise complaint(word, "is no address of the server's own", ADVICE)


ADMIN_ADDRESSES: Kind[tuple[str, ...]] = Kind(
    "addresses", "ADDRESS", _parse, show=ADDRESSES.show, many=True
)
