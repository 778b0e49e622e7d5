"""Seeing into the server.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from fastfork.records import record

from ..kinds.admin import ADMIN_ADDRESSES
from ..kinds.spec import setting

__all__ = ["AdminSettings"]


@record(frozen=True, kw_only=True)
class AdminSettings:
    """Seeing into it."""

    admin_bind: tuple[str, ...] = setting(
        (),
        ADMIN_ADDRESSES,
        "Address of a status page, metrics and health checks: HOST:PORT, unix:PATH; repeatable.",
        flags="--admin-bind",
        reload="server",
        more="A process of its own answers there, also while every worker is busy: `/` (a page "
        "for people), `/metrics` (Prometheus, needs `pip install fastfork[metrics]`), "
        "`/status.json`, `/livez` and `/readyz`. Over TCP it only tells. A Unix socket is made "
        "with mode 0600, and who may open it may also POST `/scale?workers=N`, `/reload`, "
        "`/reopen` and `/drain`. The paths of requests that run or failed are shown, their "
        "queries are not. "
        "See [Prometheus and Grafana](../how-to/prometheus-grafana.md).",
    )
