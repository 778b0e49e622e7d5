"""Settings of the worker processes.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from fastfork.records import record

from ..kinds.basic import DURATION, FLAG, OPTIONAL_DURATION, SIZE, integer
from ..kinds.spec import setting
from ..kinds.workerclass import WORKER_CLASS

__all__ = ["WorkerSettings"]

# A signed 32-bit count: more requests than any worker should live to see.
MOST_REQUESTS = 2**31 - 1
# As many have a place on the scoreboard.
MOST_THREADS = 256


@record(frozen=True, kw_only=True)
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
        WORKER_CLASS,
        "Kind of worker.",
        flags="-k --worker-class",
        reload="workers",
        more="`sync` and `gthread` are the same worker: one event loop serves the connections, "
        "and `threads` says how many requests the application answers at a time. With one thread "
        "that is the main thread of the process, with more it never is. `gevent` calls the "
        "application in a greenlet for each request, and needs `pip install 'fastfork[gevent]'`; "
        "`docs/how-to/gevent.md` says what that is good for. `asgi` serves ASGI applications in a "
        "task for each request, see `docs/explanation/asgi.md`. gunicorn's and uvicorn's names of "
        "these mean the same.",
    )
    threads: int = setting(
        1,
        integer(1, MOST_THREADS),
        "Application threads of a worker: requests that it answers at a time.",
        flags="--threads",
        reload="workers",
        more="An application that answers at once costs the same with one thread as with many: "
        "nothing is handed from thread to thread until a request takes longer than a "
        "millisecond. `docs/explanation/threads.md` says how to choose the number. Has no effect "
        "with `gevent`.",
    )
    request_timeout: float | None = setting(
        None,
        OPTIONAL_DURATION,
        "Replace a worker one of whose requests takes this long (0 = never).",
        flags="--request-timeout",
        reload="workers",
        more="Left out, it is `timeout` with one thread and 0 with more. With one thread a worker "
        "that is held by a request is silent, and ended as `timeout` says, at whichever of the "
        "two is earlier. With more threads it serves on beside a request that takes long, so "
        "nothing is wrong with the worker and how long a request may take is the application's "
        "affair: downloads and reports take minutes. When the setting asks for it, the stack of "
        "the thread and the request line are logged, the worker is replaced, and its other "
        "requests finish first; the one that is stuck has `graceful_timeout` seconds more. What "
        "counts is the time in one call of the application, or for one block of its body. With "
        "`gevent` it is as with more threads.",
    )
    queue_timeout: float = setting(
        0.0,
        DURATION,
        "Answer 503 to a request that waits this long for a thread (0 = wait).",
        flags="--queue-timeout",
        reload="workers",
        more="While every thread is in the application, requests on open connections wait, at most "
        "as many as `worker_connections`, and new connections stay in the backlog. With this "
        "setting those on open connections get `503 Service Unavailable` with `Retry-After: 1`, "
        "and the connection is closed. Has no effect with `gevent`.",
    )
    share_connections: bool = setting(
        True,
        FLAG,
        "Let another worker answer what arrives while all threads of this one are busy.",
        flags="--share-connections",
        reload="workers",
        more="A kept-alive connection moves to a worker that waits for work, by its descriptor "
        "(SCM_RIGHTS, unix(7)), before anything of the request is read. Has no effect with one "
        "worker, with `gevent`, and where there is no epoll(7).",
    )
    worker_connections: int = setting(
        0,
        integer(0, 1_000_000),
        "Connections that a worker holds at most (0 = as its descriptors allow).",
        flags="--worker-connections",
        reload="workers",
        more="With 0, the default, it is half of the descriptors that the worker may have, 64 (of "
        "a few, a third) left off for everything else: a connection may need a second one, for a "
        "file with its body or its answer. A worker raises its soft limit (`ulimit -n`) to the "
        "hard one, to 65,536 at most, so the number is 32,736 where nothing lowers it, and 480 "
        "below a hard limit of 1024. When all places are taken, whoever is idle gives way to a "
        "new connection, then whoever has been slow for the longest in a handshake, in a head or "
        "a body, or in taking an answer; a request that the application has, or that waits for a "
        "thread, never does. `docs/explanation/slow-clients.md` tells more. With `gevent` that is "
        "also how many requests the application answers at a time. gunicorn's default is 1000; a "
        "number means the same here.",
    )
    timeout: float = setting(
        30.0,
        DURATION,
        "Kill a worker that is silent for this long (0 = never).",
        flags="-t --timeout",
        reload="live",
        more="A worker is silent while the application holds it. It gets SIGABRT and logs what "
        "it was doing, then SIGKILL. The time in which a worker loads the application is "
        "bounded by `boot_timeout` instead.",
    )
    boot_timeout: float = setting(
        300.0,
        DURATION,
        "End a worker that loads the application for this long (0 = never).",
        flags="--boot-timeout",
        reload="live",
        more="It gets SIGABRT and logs where the import hangs, then SIGKILL. A first start ends "
        "with exit code 3 then, a reload ends and the old workers serve on.",
    )
    graceful_timeout: float = setting(
        30.0,
        DURATION,
        "Time to finish running requests when a worker stops.",
        flags="--graceful-timeout",
        reload="workers",
    )
    drain_delay: float = setting(
        0.0,
        DURATION,
        "On SIGTERM, serve on for this long while readiness already says no.",
        flags="--drain-delay",
        reload="live",
        more="Gives a load balancer or Kubernetes the time to notice that this server goes, "
        "before its listeners close. Answers say `Connection: close` meanwhile. A second SIGTERM "
        "ends it early.",
    )
    reload_parallel: int = setting(
        1,
        integer(1, 256),
        "Workers that a reload replaces at the same time.",
        flags="--reload-parallel",
        reload="live",
        more="Each replacement loads the application, and is ready, before an old worker goes: "
        "so many workers more are there during a reload.",
    )
    max_requests: int = setting(
        0,
        integer(0, MOST_REQUESTS),
        "Replace a worker after this many requests (0 = never).",
        flags="--max-requests",
        reload="workers",
        more="It serves on until its replacement is ready.",
    )
    max_requests_jitter: int = setting(
        0,
        integer(0, MOST_REQUESTS),
        "Add up to this many requests, at random, to max_requests.",
        flags="--max-requests-jitter",
        reload="workers",
        more="Keeps the workers from being replaced all at once.",
    )
    max_rss: int = setting(
        0,
        SIZE,
        "Replace a worker whose memory is above this, such as 512M (0 = no limit).",
        flags="--max-rss",
        reload="live",
        more="The arbiter looks every 2 seconds at the resident size in /proc (Linux), in which "
        "memory that workers share counts for each of them. The worker serves until its "
        "replacement is ready, and then finishes what it has.",
    )
