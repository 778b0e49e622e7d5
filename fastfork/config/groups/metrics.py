"""Settings of metrics.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from fastfork.records import record

from ..kinds.basic import FLAG
from ..kinds.logs import STATSD_ADDRESS, STATSD_PREFIX, STATSD_TAGS
from ..kinds.spec import setting

__all__ = ["MetricSettings"]


@record(frozen=True, kw_only=True)
class MetricSettings:
    """Metrics."""

    statsd_host: str | None = setting(
        None,
        STATSD_ADDRESS,
        "Where metrics are sent: HOST or HOST:PORT (UDP), or unix://PATH.",
        flags="--statsd-host",
        reload="workers",
        more="[Logging](logging.md) lists them.",
    )
    statsd_prefix: str = setting(
        "",
        STATSD_PREFIX,
        "What the name of each metric begins with; a dot follows.",
        flags="--statsd-prefix",
        reload="workers",
    )
    dogstatsd_tags: str = setting(
        "",
        STATSD_TAGS,
        "Tags of each metric, as DogStatsD takes them: key:value,key:value.",
        flags="--dogstatsd-tags",
        reload="workers",
    )
    enable_backlog_metric: bool = setting(
        False,
        FLAG,
        "Send how many connections wait to be accepted, as gunicorn.backlog.",
        flags="--enable-backlog-metric",
        reload="workers",
    )
