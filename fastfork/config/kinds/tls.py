"""Kinds of value of the settings about TLS.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from typing import Final

from .basic import Kind, complaint

__all__ = ["ANYTHING", "CERT_REQS", "TLS_VERSION"]

# The numbers are those of ssl.VerifyMode.
_DEMANDS: Final = {"none": 0, "optional": 1, "required": 2}
_VERSIONS: Final = ("TLSv1.2", "TLSv1.3")


def _cert_reqs(value: object) -> int:
    """Return a word, or the number that gunicorn and the `ssl` module have for it."""
    word = value.strip().lower().removeprefix("cert_") if isinstance(value, str) else value
    if isinstance(word, str):
        word = int(word) if word in ("0", "1", "2") else _DEMANDS.get(word, -1)
    if not isinstance(word, int) or isinstance(word, bool) or word not in _DEMANDS.values():
        raise complaint(value, "is none of none, optional, required", "write required")
    return int(word)


def _tls_version(value: object) -> str:
    name = str(getattr(value, "name", value)).strip().lower().replace("_", ".")
    for version in _VERSIONS:
        if name in (version.lower(), version.lower().replace("v", ""), version[4:]):
            return version
    raise complaint(value, f"is none of {', '.join(_VERSIONS)}", f"write {_VERSIONS[0]}")


def _show_demand(value: int) -> str:
    return next(word for word, number in _DEMANDS.items() if number == value)


CERT_REQS: Kind[int] = Kind(
    "one of `none`, `optional`, `required`", "WORD", _cert_reqs, show=_show_demand
)
TLS_VERSION: Kind[str] = Kind(
    f"one of {', '.join(f'`{version}`' for version in _VERSIONS)}", "VERSION", _tls_version
)
ANYTHING: Kind[object] = Kind(
    "anything",
    "VALUE",
    lambda value: None if value == "" else value,
    show=lambda value: "none" if value is None else str(value),
)
