"""Kinds of value of the settings about proxies.

Runs in: cli
"""

from __future__ import annotations

import dataclasses

from .kinds import Kind, choice

__all__ = ["PROXY_PROTOCOL"]

_VERSION = choice("off", "v1", "v2", "auto")


def _proxy_protocol(value: object) -> str:
    """gunicorn knew True and False before it knew versions."""
    word = str(value).strip().lower() if isinstance(value, str | bool | None) else value
    known = {"true": "auto", "false": "off", "none": "off", "": "off"}
    return _VERSION.parse(known.get(word, word) if isinstance(word, str) else word)


PROXY_PROTOCOL: Kind[str] = dataclasses.replace(_VERSION, parse=_proxy_protocol, alone="auto")
