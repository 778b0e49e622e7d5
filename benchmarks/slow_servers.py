"""How each server is started for slow clients: two workers, and room for all of them.

The figures beside `--worker-connections` and its kin are above the number of clients: what is
shown is what a server does with slow clients that it took, not with those it turned away.
Everything else is each server's default, deadlines included, but for the four application
threads a worker of those that can have them.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from benchmarks.servers import Server
from benchmarks.workloads import Workload

SLOW: Final = Workload(
    name="slow", title="slow clients", tool="slow", app="benchmarks.slow_app:app"
)
HEADS: Final = Workload(
    name="heads", title="half-sent heads, one worker", tool="slow", app="benchmarks.slow_app:app"
)
OURS: Final = "fastfork"

_ROOM = "4096"  # connections a worker: 3,000 slow ones, the quick client's, and some
_PYTHON = ("{python}", "-m")


def ours(workers: int, *options: str) -> Server:
    """fastfork with its default parser."""
    return Server(
        name=OURS,
        module="fastfork",
        command=(
            *(*_PYTHON, "fastfork", "{app}", "-w", str(workers), "-b", "127.0.0.1:{port}"),
            *("--log-level", "error", *options),
        ),
    )


_ALL = (
    ours(2, "--worker-connections", _ROOM),
    Server(
        name="gunicorn-gthread",
        module="gunicorn",
        distribution="gunicorn",
        command=(
            *(*_PYTHON, "gunicorn", "{app}", "-w", "2", "-b", "127.0.0.1:{port}"),
            *("-k", "gthread", "--threads", "4", "--worker-connections", _ROOM),
            *("--log-level", "error", "--no-control-socket"),
        ),
    ),
    # One process whatever one says, so twice the threads; select(2) ends at 1024 descriptors.
    Server(
        name="waitress",
        module="waitress",
        distribution="waitress",
        command=(
            *(*_PYTHON, "waitress", "--listen=127.0.0.1:{port}", "--threads=8"),
            *(f"--connection-limit={_ROOM}", "--asyncore-use-poll", "{app}"),
        ),
    ),
    Server(
        name="granian",
        module="granian",
        distribution="granian",
        command=(
            *(*_PYTHON, "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
            *("--port", "{port}", "--workers", "2", "--blocking-threads", "4", "--http", "1"),
            *("--backlog", _ROOM, "--backpressure", _ROOM, "--no-ws", "--no-log", "{app}"),
        ),
    ),
    Server(
        name="peregrine",
        module="peregrine",
        distribution="peregrine-server",
        command=(
            *(*_PYTHON, "peregrine", "--host", "127.0.0.1", "--port", "{port}"),
            *("--workers", "2", "--wsgi-threads", "4", "--max-connections", _ROOM),
            *("--protocol", "wsgi", "--log-level", "error", "{app}"),
        ),
    ),
)

SLOW_SERVERS: Final[Mapping[str, Server]] = MappingProxyType({one.name: one for one in _ALL})
