"""/status.json: the same facts as the page, for programs and for `fastfork status`.

Names are only ever added.  Times are seconds, sizes bytes.

Runs in: worker (in the process of `admin_bind`)
"""

from __future__ import annotations

from typing import Any

import fastfork
from fastfork.ipc.recent_exits import RecentExit
from fastfork.metrics.admin.history import Point
from fastfork.metrics.families import CLASSES
from fastfork.metrics.reading import SLOWEST, Failing, Reading, WorkerFacts

__all__ = ["status"]


def status(reading: Reading, lately: Point | None) -> dict[str, Any]:
    """Return what json.dumps() takes.  lately: the last seconds; None when there is nothing yet."""
    answers = (*reading.answers[:6], sum(reading.answers[6:]))
    return {
        "version": fastfork.__version__,
        "state": reading.state.name.lower(),
        "ready": reading.is_ready,
        "started": reading.started,
        "reloads": reading.reloads,
        "workers_wanted": reading.wanted,
        "accept_queue": {"waiting": reading.waiting, "limit": reading.waiting_most},
        "requests": {"refused": reading.refused, **dict(zip(CLASSES, answers, strict=True))},
        "bytes": {"sent": reading.sent, "received": reading.received},
        "connections_accepted": reading.accepted,
        "lately": None if lately is None else _lately(lately),
        "workers": [_worker(worker) for worker in reading.workers],
        "slowest": [
            {"line": running.line, "seconds": round(running.seconds, 3), "pid": worker.pid}
            for running, worker in reading.slowest[:SLOWEST]
        ],
        "failing": [_failing(one) for one in reading.failing],
        "ends": [_end(end) for end in reading.ends],
    }


def _lately(point: Point) -> dict[str, float]:
    return {
        "requests_per_second": round(point.rate, 3),
        "failures_per_second": round(point.failures, 3),
        "median_seconds": round(point.median, 6),
        "p99_seconds": round(point.slow, 6),
    }


def _worker(worker: WorkerFacts) -> dict[str, Any]:
    return {
        "nr": worker.nr,
        "pid": worker.pid,
        "state": worker.state.name.lower(),
        "requests": worker.begun,
        "in_flight": worker.in_flight,
        "tasks": worker.tasks,
        "threads": worker.threads,
        "threads_busy": worker.busy,
        "connections": worker.connections,
        "connections_idle": worker.idle,
        "resident_bytes": worker.memory,
        "silent_seconds": round(worker.silent, 3),
        "loop_lag_seconds": None if worker.lag is None else round(worker.lag, 6),
        "serving": [
            {"line": running.line, "seconds": round(running.seconds, 3)}
            for running in worker.running
        ],
    }


def _failing(one: Failing) -> dict[str, Any]:
    return {
        "line": one.line,
        "count": one.count,
        "status": one.status or None,  # None: the answer was cut
        "at": one.at,
    }


def _end(end: RecentExit) -> dict[str, Any]:
    return {
        "at": end.at,
        "worker": end.nr,
        "pid": end.pid,
        "reason": end.reason.name.lower(),
        "code": end.code,
        "lived_seconds": end.lived / 1000,
    }
