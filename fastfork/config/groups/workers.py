"""Settings of the worker processes.

Runs in: cli
"""

from __future__ import annotations

from dataclasses import dataclass

from ..kinds import DURATION, WORD, integer
from ..spec import setting

__all__ = ["WorkerSettings"]

# A signed 32-bit count: more requests than any worker should live to see.
MOST_REQUESTS = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """Worker processes."""

    workers: int = setting(
        1,
        integer(1, 1024),
        "Number of worker processes.",
        flags="-w --workers",
        env="WEB_CONCURRENCY",
        reload="live",
        more="One or two for each CPU core is a good start.",
    )
    worker_class: str = setting(
        "sync",
        WORD,
        "Kind of worker.",
        flags="-k --worker-class",
        reload="workers",
        more="This version has `sync`: one event loop serves the connections, and the "
        "application answers one request at a time.",
    )
    threads: int = setting(
        1,
        integer(1, 1024),
        "Application threads of a worker.",
        flags="--threads",
        reload="workers",
        more="This version runs one.",
    )
    worker_connections: int = setting(
        1000,
        integer(1, 1_000_000),
        "Connections that a worker holds at most.",
        flags="--worker-connections",
        reload="workers",
        more="Beyond it new ones wait in the backlog; idle ones are closed first.",
    )
    timeout: float = setting(
        30.0,
        DURATION,
        "Kill a worker that is silent for this long (0 = never).",
        flags="-t --timeout",
        reload="live",
        more="A worker is silent while the application holds it. It gets SIGABRT and logs what "
        "it was doing, then SIGKILL. The time in which a worker loads the application is not "
        "bounded in this version: it is told in the log once every `timeout`, and a reload "
        "dismisses a replacement that hangs there.",
    )
    graceful_timeout: float = setting(
        30.0,
        DURATION,
        "Time to finish running requests when a worker stops.",
        flags="--graceful-timeout",
        reload="workers",
    )
    max_requests: int = setting(
        0,
        integer(0, MOST_REQUESTS),
        "Replace a worker after this many requests (0 = never).",
        flags="--max-requests",
        reload="workers",
    )
    max_requests_jitter: int = setting(
        0,
        integer(0, MOST_REQUESTS),
        "Add up to this many requests, at random, to max_requests.",
        flags="--max-requests-jitter",
        reload="workers",
        more="Keeps the workers from being replaced all at once.",
    )
