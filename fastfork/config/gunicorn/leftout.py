"""What a setting of gunicorn that we do not have means: it is ignored with a line, or refused.

The names are in `names.OTHER_SETTINGS`.  Here is which part of gunicorn each belongs to, and for
which of them going on without would be worse than not starting.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastfork.records import record

__all__ = ["PARTS", "is_unneeded", "part_of", "refusal"]

# The part's name -> what to do without it.  In the order in which a name is looked up.
PARTS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "dirty workers": (
        ("dirty_", "on_dirty_"),
        "use a task queue for what takes minutes",
    ),
    "control socket": (("control_socket",), "use `fastfork signal`"),
    "uWSGI protocol": (
        ("protocol", "uwsgi_allow_ips"),
        "let the proxy speak HTTP (nginx: proxy_pass instead of uwsgi_pass)",
    ),
    "PasteDeploy": (
        ("paste", "raw_paste_global_conf"),
        "name a factory: 'module:factory()' that calls paste.deploy.loadapp",
    ),
}


@record(frozen=True)
class _Refusal:
    """Why a setting is not ignored, and which of its values are harmless all the same."""

    why: str
    harmless: Callable[[object], bool]


def _says_no(value: object) -> bool:
    """Return whether the value turns the thing off, or is what gunicorn has without it."""
    text = value.strip().lower() if isinstance(value, str) else value
    return text in (None, False, 0, "", "off", "none", "false", "no", "0")


def _is_http(value: object) -> bool:
    return _says_no(value) or (isinstance(value, str) and value.strip().lower() == "http")


_REFUSED: Final[dict[str, _Refusal]] = {
    "protocol": _Refusal(
        "this version speaks HTTP only; let the proxy speak HTTP and leave this out", _is_http
    ),
}


def refusal(name: str, value: object) -> str | None:
    """Return why `name` cannot be ignored with this value, in one line without the name; None if it
    can.

    value: None when it is not known, as for a variable's option without its value.
    """
    row = _REFUSED.get(name)
    return None if row is None or row.harmless(value) else row.why


def is_unneeded(name: str) -> bool:
    """Return whether nothing is missing without this one: there is another way to do what it is
    for."""
    return part_of(name)[0] == "control socket"


def part_of(name: str) -> tuple[str, str]:
    """Return the part of gunicorn that one of OTHER_SETTINGS belongs to, and what to do without
    it."""
    return next(
        (part, instead) for part, (prefixes, instead) in PARTS.items() if name.startswith(prefixes)
    )
