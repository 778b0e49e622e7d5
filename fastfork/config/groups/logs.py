"""Settings of the logs.

Runs in: cli
"""

from __future__ import annotations

from dataclasses import dataclass

from ..kinds import FORMAT, LOG_PATH, PATH, choice
from ..spec import setting

__all__ = ["LogSettings"]


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    """Logs."""

    accesslog: str | None = setting(
        None,
        PATH,
        "File of the access log (- = standard output); none is written without it.",
        flags="--access-logfile",
        reload="workers",
    )
    access_log_format: str = setting(
        '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"',
        FORMAT,
        "Format of a line of the access log.",
        flags="--access-logformat",
        reload="workers",
    )
    errorlog: str = setting(
        "-",
        LOG_PATH,
        "File of the error log (- = standard error).",
        flags="--error-logfile --log-file",
        reload="workers",
    )
    loglevel: str = setting(
        "info",
        choice("debug", "info", "warning", "error", "critical"),
        "Lowest level in the error log: debug, info, warning, error or critical.",
        flags="--log-level",
        reload="workers",
    )
