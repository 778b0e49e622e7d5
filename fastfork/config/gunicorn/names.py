"""Names in a config file that are no settings: slips of the pen, and gunicorn's other settings.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Final

from ..kinds.hooks import HOOKS

__all__ = ["OTHER_OPTIONS", "OTHER_SETTINGS", "misspelt", "one_edit_apart"]

# gunicorn's settings that this version does not have -> their options; an option that takes a
# value ends in "=".
OTHER_SETTINGS: Final[dict[str, str]] = {
    "control_socket": "--control-socket=",
    "control_socket_disable": "--no-control-socket",
    "control_socket_mode": "--control-socket-mode=",
    "dirty_apps": "--dirty-app=",
    "dirty_graceful_timeout": "--dirty-graceful-timeout=",
    "dirty_post_fork": "",
    "dirty_threads": "--dirty-threads=",
    "dirty_timeout": "--dirty-timeout=",
    "dirty_worker_exit": "",
    "dirty_worker_init": "",
    "dirty_workers": "--dirty-workers=",
    "on_dirty_starting": "",
    "paste": "--paste= --paster=",
    "protocol": "--protocol=",
    "raw_paste_global_conf": "--paste-global=",
    "uwsgi_allow_ips": "--uwsgi-allow-from=",
}


def _options() -> dict[str, tuple[str, bool]]:
    options: dict[str, tuple[str, bool]] = {}
    for name, flags in OTHER_SETTINGS.items():
        takes_value = flags.endswith("=")
        for flag in flags.split():
            options[flag.rstrip("=")] = (name, takes_value)
    return options


# Option -> its setting, and whether it takes a value.
OTHER_OPTIONS: Final[dict[str, tuple[str, bool]]] = _options()


def one_edit_apart(a: str, b: str) -> bool:
    """Return whether one letter added, dropped, changed, or two neighbours swapped turn a into
    b."""
    if a == b or abs(len(a) - len(b)) > 1:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    rest_a, rest_b = a[start:], b[start:]
    return (
        rest_a[1:] == rest_b[1:]
        or rest_a[1:] == rest_b
        or rest_a == rest_b[1:]
        or (rest_a[:2] == rest_b[1::-1] and rest_a[2:] == rest_b[2:])
    )


def misspelt(name: str, value: object, settings: Iterable[str]) -> str | None:
    """Return the setting that `name` was probably meant to be.

    Modules and names with a leading underscore are the user's own business, and functions unless
    one is called almost as a hook.
    """
    if name.startswith("_") or isinstance(value, ModuleType):
        return None
    if callable(value):
        settings = HOOKS
    return next((known for known in settings if one_edit_apart(name.lower(), known)), None)
