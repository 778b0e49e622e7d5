"""Checks of the settings of logs and metrics; see checks.py.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..kinds import logformat
from ..kinds.logs import DEFAULT_LOGGER
from ..settings import Config
from ..values import Problem

__all__ = ["check_logs", "check_metrics"]

_OF_SYSLOG: Final = ("syslog_addr", "syslog_prefix", "syslog_facility")
_OF_STATSD: Final = ("statsd_prefix", "dogstatsd_tags", "enable_backlog_metric")
STANDARD_STREAM: Final = "-"


def check_logs(cfg: Config) -> Iterator[Problem]:
    """Yield what has no effect, or not the one that was meant."""
    if cfg.logger_class == DEFAULT_LOGGER:  # another may have atoms of its own
        for name in logformat.unknown_atoms(cfg.access_log_format):
            yield _idle("access_log_format", f"%({name})s is no atom; it prints a dash")
    if cfg.capture_output and cfg.errorlog == STANDARD_STREAM:
        yield _idle("capture_output", "has no effect without a file of the error log")
    if cfg.request_id_response and not cfg.request_id:
        yield _idle("request_id_response", "has no effect without request_id")
    if not cfg.syslog:
        yield from _without("syslog", _OF_SYSLOG, cfg)


def check_metrics(cfg: Config) -> Iterator[Problem]:
    """Yield the settings of metrics that nobody is sent."""
    if cfg.statsd_host is None:
        yield from _without("statsd_host", _OF_STATSD, cfg)


def _without(needed: str, names: tuple[str, ...], cfg: Config) -> Iterator[Problem]:
    defaults = Config()
    for name in names:
        if getattr(cfg, name) != getattr(defaults, name):
            yield _idle(name, f"has no effect without {needed}")


def _idle(name: str, text: str) -> Problem:
    return Problem(name, text, fatal=False)
