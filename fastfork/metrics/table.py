"""The metrics there are, for the reference page.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["METRICS"]

# Name -> (type, what it is).
METRICS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "gunicorn.requests": ("counter", "requests that have ended, refused ones too"),
        "gunicorn.request.duration": (
            "timer",
            "milliseconds from the call of the application to the end of the response",
        ),
        "gunicorn.request.status.NNN": ("counter", "requests by status"),
        "gunicorn.workers": ("gauge", "worker processes, about once a second"),
        "gunicorn.backlog": (
            "histogram",
            "connections that wait to be accepted (TCP only), with `enable_backlog_metric`",
        ),
        "gunicorn.log.critical": ("counter", "lines of the error log at this level"),
        "gunicorn.log.error": ("counter", "the same, without an exception"),
        "gunicorn.log.exception": ("counter", "errors with an exception"),
        "gunicorn.log.warning": ("counter", "the same"),
        "fastfork.busy": (
            "gauge",
            "requests in the application at this moment, of all workers, once a second",
        ),
        "fastfork.queue_wait": (
            "timer",
            "milliseconds that a request has waited in the workers for the application",
        ),
    }
)
