"""docs/reference/metrics.md, from the table of metrics."""

from __future__ import annotations

from typing import Final

from fastfork.ipc.counters import BOUNDS, Reason
from fastfork.metrics.families import CLASSES, METRICS, STATES

__all__ = ["render"]

_HEAD: Final = """# Metrics

<!-- Made from fastfork/metrics/families.py by `make docs-reference`. -->

What `/metrics` tells at the address of [admin_bind](settings.md#admin_bind), as Prometheus text or
OpenMetrics. All numbers are of the whole server; those of workers that have gone are kept until the
server is restarted or upgraded. How to use them: [Prometheus and
Grafana](../how-to/prometheus-grafana.md).

| metric | kind | labels | |
|---|---|---|---|
"""

_REASONS: Final = {
    Reason.TOLD: "fewer workers are wanted, or somebody sent it TERM",
    Reason.RELOAD: "settings or code were loaded anew",
    Reason.SPENT: "`max_requests` or `request_timeout`",
    Reason.MEMORY: "`max_rss`",
    Reason.TIMEOUT: "silent for longer than `timeout`",
    Reason.BOOT: "the application did not load, or not within `boot_timeout`",
    Reason.CRASH: "a signal that the arbiter did not send: a crash, or the kernel out of memory",
    Reason.EXIT: "the application ended the process",
    Reason.OVERDUE: "told to go, and did not finish within `graceful_timeout`",
}


def render() -> str:
    """The page, as Markdown."""
    rows = [
        f"| `{one.name}` | {one.kind} | {', '.join(f'`{name}`' for name in one.labels)} "
        f"| {one.help} |"
        for one in METRICS
    ]
    reasons = [f"| `{reason.name.lower()}` | {_REASONS[reason]} |" for reason in Reason]
    parts = [
        _HEAD + "\n".join(rows),
        (
            f"`status` is one of {_listed(CLASSES)}; `state` of a worker one of "
            f"{_listed(tuple(state.name.lower() for state in STATES))}. `reason` of an end:"
        ),
        "| reason | |\n|---|---|\n" + "\n".join(reasons),
        (
            f"Histograms have {len(BOUNDS)} bounds, from {BOUNDS[0] * 1e6:.1f} µs to "
            f"{BOUNDS[-1]:.0f} s, each twice the one before: a quantile is right within a factor "
            "of two. The wait is what a worker knows of: since it was told of the request, or "
            "since that was put in line for a thread. A client that nobody has accepted yet, and "
            "one whose worker has a single busy thread, is not known to it: see "
            "`fastfork_accept_queue_connections` and `fastfork_threads`."
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)
