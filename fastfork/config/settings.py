"""Every setting, and the table that everything else is derived from.

Runs in: both
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from fastfork.records import fields, record

from .groups.admin import AdminSettings
from .groups.asgi import AsgiSettings
from .groups.development import DevelopmentSettings
from .groups.hooks import HookSettings
from .groups.http import AnswerSettings, LeniencySettings, LimitSettings, TimeSettings
from .groups.http2 import Http2Settings
from .groups.logs import LogSettings, SyslogSettings
from .groups.metrics import MetricSettings
from .groups.privileges import PrivilegeSettings
from .groups.proxies import ProxySettings
from .groups.server import FileSettings, ProcessSettings, SocketSettings
from .groups.static import StaticSettings
from .groups.tls import TlsSettings
from .groups.workers import WorkerSettings
from .gunicorn.ashooks import HookView
from .kinds.spec import METADATA_KEY, Spec

__all__ = ["GROUPS", "SETTINGS", "Config", "heading"]

# In the order of --help and of the reference.
GROUPS: Final[tuple[type, ...]] = (
    FileSettings,
    SocketSettings,
    WorkerSettings,
    AsgiSettings,
    TimeSettings,
    LimitSettings,
    LeniencySettings,
    AnswerSettings,
    StaticSettings,
    TlsSettings,
    Http2Settings,
    ProxySettings,
    LogSettings,
    SyslogSettings,
    MetricSettings,
    AdminSettings,
    ProcessSettings,
    PrivilegeSettings,
    DevelopmentSettings,
    HookSettings,
)


@record(frozen=True, kw_only=True)
class Config(
    FileSettings,
    SocketSettings,
    WorkerSettings,
    AsgiSettings,
    TimeSettings,
    LimitSettings,
    LeniencySettings,
    AnswerSettings,
    StaticSettings,
    TlsSettings,
    Http2Settings,
    ProxySettings,
    LogSettings,
    SyslogSettings,
    MetricSettings,
    AdminSettings,
    ProcessSettings,
    PrivilegeSettings,
    DevelopmentSettings,
    HookSettings,
    HookView,
):
    """Every setting, typed.  Built once per load; never changed."""


@cache
def heading(group: type) -> str:
    """Return the group's name: the first line of its docstring, without the full stop."""
    return (group.__doc__ or group.__name__).strip().splitlines()[0].rstrip(".")


def _table() -> Mapping[str, Spec[Any]]:
    table: dict[str, Spec[Any]] = {}
    for group in GROUPS:
        for field in fields(group):
            spec: Spec[Any] = field.metadata[METADATA_KEY]
            # Frozen, but nobody has seen it; a changed copy of each takes a millisecond of a start.
            vars(spec).update(name=field.name, group=heading(group))
            table[field.name] = spec
    return MappingProxyType(table)


# Name of a setting -> what is known of it.
SETTINGS: Final[Mapping[str, Spec[Any]]] = _table()
