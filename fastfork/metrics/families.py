"""Every metric, in one table: /metrics, the reference page and the tests are made from it.

Runs in: both
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import fastfork
from fastfork.ipc import ServerState, State
from fastfork.ipc.counters import Reason
from fastfork.metrics.reading import Histogram, Reading
from fastfork.records import record

__all__ = ["METRICS", "Metric"]

# What one look gives: (values of the labels, number), or of a histogram (.., Histogram).
Samples = Iterable[tuple[tuple[str, ...], float | Histogram]]

CLASSES: Final = ("none", "1xx", "2xx", "3xx", "4xx", "5xx", "other")
# What a worker may be; those of a slot without one are left out.
STATES: Final = (State.BOOTING, State.READY, State.SPENT, State.DRAINING, State.EXITING)


@record(frozen=True)
class Metric:
    """name: as Prometheus shows it, a counter's with _total.  kind: counter, gauge, histogram.

    help: one sentence.  labels: their names.
    """

    name: str
    kind: str
    help: str
    samples: Callable[[Reading], Samples]
    labels: tuple[str, ...] = ()


def _one(value: Callable[[Reading], float]) -> Callable[[Reading], Samples]:
    return lambda reading: [((), value(reading))]


def _sum(value: str) -> Callable[[Reading], Samples]:
    """Return a field of each worker, added up."""
    return _one(lambda reading: sum(getattr(worker, value) for worker in reading.workers))


def _answers(reading: Reading) -> Samples:
    known, others = reading.answers[:6], sum(reading.answers[6:])
    return [((name,), count) for name, count in zip(CLASSES, (*known, others), strict=True)]


def _ends(reading: Reading) -> Samples:
    return [((reason.name.lower(),), reading.ends_by_reason[reason]) for reason in Reason]


def _states(reading: Reading) -> Samples:
    there = [worker.state for worker in reading.workers]
    return [((state.name.lower(),), there.count(state)) for state in STATES]


def _connections(reading: Reading) -> Samples:
    idle = sum(worker.idle for worker in reading.workers)
    everything = sum(worker.connections for worker in reading.workers)
    return [(("idle",), idle), (("active",), everything - idle)]


def _threads(reading: Reading) -> Samples:
    serving = [worker for worker in reading.workers if worker.serves]
    busy = sum(worker.busy for worker in serving)
    return [(("busy",), busy), (("free",), sum(w.threads for w in serving) - busy)]


def _memory(reading: Reading) -> Samples:
    return [((str(worker.nr),), worker.memory) for worker in reading.workers if worker.memory]


def _oldest(reading: Reading) -> float:
    times = [running.seconds for worker in reading.workers for running in worker.running]
    return max(times, default=0.0)


METRICS: Final = (
    Metric(
        "fastfork_requests_total",
        "counter",
        "Responses by the class of their status; 1xx: the application took the socket; none: "
        "the client left.",
        _answers,
        ("status",),
    ),
    Metric(
        "fastfork_requests_refused_total",
        "counter",
        "Requests that the application never saw: malformed, too large, too slow, or 503.",
        _one(lambda reading: reading.refused),
    ),
    Metric(
        "fastfork_static_answers_total",
        "counter",
        "Of the responses, those that `static_path` answered and the application never saw.",
        _one(lambda reading: reading.static),
    ),
    Metric(
        "fastfork_http2_streams_total",
        "counter",
        "Streams that clients have opened on HTTP/2 connections.",
        _one(lambda reading: reading.streams),
    ),
    Metric(
        "fastfork_http2_resets_total",
        "counter",
        "Of these, those that were reset, by the client or by the server.",
        lambda reading: list(zip((("client",), ("server",)), reading.resets, strict=True)),
        ("by",),
    ),
    Metric(
        "fastfork_http2_goaways_total",
        "counter",
        "GOAWAY frames that were sent: two for each connection that ends in time, one for others.",
        _one(lambda reading: reading.goaways),
    ),
    Metric(
        "fastfork_requests_in_flight",
        "gauge",
        "Requests that were taken up and are not answered in full.",
        _sum("in_flight"),
    ),
    Metric(
        "fastfork_request_duration_seconds",
        "histogram",
        "From the complete request to the end of the response, as the worker sees it.",
        lambda reading: [((), reading.duration)],
    ),
    Metric(
        "fastfork_queue_wait_seconds",
        "histogram",
        "How long requests that a worker knew of waited for its thread.",
        lambda reading: [((), reading.wait)],
    ),
    Metric(
        "fastfork_tasks_in_flight",
        "gauge",
        "Tasks of ASGI requests that have not ended, WebSockets among them; one may outlast its "
        "response.",
        _sum("tasks"),
    ),
    Metric(
        "fastfork_loop_lag_seconds",
        "histogram",
        "How long an asyncio loop did not look for what was due: callbacks waited up to so long.",
        lambda reading: [((), reading.lag)],
    ),
    Metric(
        "fastfork_oldest_request_seconds",
        "gauge",
        "How long the longest of the running requests has been in the application.",
        _one(_oldest),
    ),
    Metric(
        "fastfork_threads",
        "gauge",
        "Application threads of the workers that serve, busy and free.",
        _threads,
        ("state",),
    ),
    Metric(
        "fastfork_connections",
        "gauge",
        "Connections of clients; idle: kept alive, waiting for their next request.",
        _connections,
        ("state",),
    ),
    Metric(
        "fastfork_connections_accepted_total",
        "counter",
        "Connections that were accepted.",
        _one(lambda reading: reading.accepted),
    ),
    Metric(
        "fastfork_accept_queue_connections",
        "gauge",
        "Connections that wait to be accepted, on all TCP listeners (TCP_INFO; Linux).",
        _one(lambda reading: reading.waiting),
    ),
    Metric(
        "fastfork_accept_queue_limit",
        "gauge",
        "How many may wait there before the kernel drops them.",
        _one(lambda reading: reading.waiting_most),
    ),
    Metric(
        "fastfork_sent_bytes_total",
        "counter",
        "Bytes sent to clients, heads included.",
        _one(lambda reading: reading.sent),
    ),
    Metric(
        "fastfork_received_bytes_total",
        "counter",
        "Bytes received from clients, heads included.",
        _one(lambda reading: reading.received),
    ),
    Metric(
        "fastfork_workers",
        "gauge",
        "Worker processes by state; spent: serves until its replacement is ready.",
        _states,
        ("state",),
    ),
    Metric(
        "fastfork_workers_wanted",
        "gauge",
        "Worker processes that are wanted.",
        _one(lambda reading: reading.wanted),
    ),
    Metric(
        "fastfork_worker_ends_total",
        "counter",
        "Workers that have ended, by reason.",
        _ends,
        ("reason",),
    ),
    Metric(
        "fastfork_worker_resident_bytes",
        "gauge",
        "Resident memory of a worker; what it shares with others counts in full.",
        _memory,
        ("worker",),
    ),
    Metric(
        "fastfork_reloads_total",
        "counter",
        "Times that all workers were to be replaced, for settings or for code.",
        _one(lambda reading: reading.reloads),
    ),
    Metric(
        "fastfork_ready",
        "gauge",
        "1 when requests should be sent here, as /readyz says.",
        _one(lambda reading: int(reading.is_ready)),
    ),
    Metric(
        "fastfork_draining",
        "gauge",
        "1 when the server is about to stop.",
        _one(lambda reading: int(reading.state >= ServerState.DRAINING)),
    ),
    Metric(
        "fastfork_start_time_seconds",
        "gauge",
        "When the server was started, in seconds since 1970.",
        _one(lambda reading: reading.started),
    ),
    Metric(
        "fastfork_info",
        "gauge",
        "1; the version is a label.",
        lambda _reading: [((fastfork.__version__,), 1)],
        ("version",),
    ),
)
