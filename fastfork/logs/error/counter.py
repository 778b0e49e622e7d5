"""Lines of the error log as metrics.

Runs in: both
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from ..base.serverlogger import OurHandler

if TYPE_CHECKING:
    from fastfork.metrics.statsd import Statsd

__all__ = ["LogCounter"]

# gunicorn's names of types in `extra=` of a log call.
_TYPES: Final = {"gauge": "g", "counter": "c", "histogram": "h", "timer": "ms"}


class LogCounter(OurHandler):
    """Counts log calls by level, and sends what they bring as `extra`.

    extra={"metric": NAME, "value": NUMBER, "mtype": "gauge" | "counter" | "histogram" |
    "timer"} is gunicorn's way to send a metric of one's own.
    """

    def __init__(self, statsd: Statsd) -> None:
        super().__init__()
        self._statsd = statsd

    def emit(self, record: logging.LogRecord) -> None:
        """Count one record."""
        name = _log_metric(record)
        if name is not None:
            self._statsd.count(name)
        metric: Any = getattr(record, "metric", None)
        if metric is not None:
            self._own(str(metric), getattr(record, "value", None), getattr(record, "mtype", None))
        if name is not None or metric is not None:
            self._statsd.flush_soon()

    def flush(self) -> None:
        """Send what is left: logging calls this when the process ends."""
        self._statsd.flush()

    def _own(self, metric: str, value: object, mtype: object) -> None:
        kind = _TYPES.get(str(mtype))
        if kind is None or not isinstance(value, int | float) or not metric.isprintable():
            return
        if any(character in metric for character in ":|@#\n"):
            return
        if kind == "c":
            self._statsd.count(metric, value)
        else:
            self._statsd.value(metric, value, kind)


def _log_metric(record: logging.LogRecord) -> str | None:
    """Return the counter of a record: gunicorn has one each from warning up, and one for
    exceptions."""
    if record.levelno >= logging.CRITICAL:
        return "gunicorn.log.critical"
    if record.levelno >= logging.ERROR:
        return "gunicorn.log.exception" if record.exc_info else "gunicorn.log.error"
    return "gunicorn.log.warning" if record.levelno >= logging.WARNING else None
