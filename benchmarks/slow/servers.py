"""How each server is started for slow clients: two workers, and room for all of them.

The figures beside `--worker-connections` and its kin are above the number of clients: what is
shown is what a server does with slow clients that it took, not with those it turned away.
Everything else is each server's default, deadlines included, but for the four application
threads a worker of those that can have them.  fastfork has its defaults throughout, and comes
in several kinds: with threads, with greenlets, with tasks, with TLS, and with few descriptors.

Runs in: cli
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from benchmarks.kit.servers import Server
from benchmarks.kit.workloads import Workload

SLOW: Final = Workload(
    name="slow", title="slow clients", tool="slow", app="benchmarks.slow.app:app"
)
SLOW_TLS: Final = dataclasses.replace(SLOW, tls=True)
HEADS: Final = Workload(
    name="heads", title="half-sent heads, one worker", tool="slow", app="benchmarks.slow.app:app"
)
OURS: Final = "fastfork"
FEW: Final = 256  # descriptors of each process, in one of the kinds
CROWDED: Final = f"{OURS}-{FEW}-descriptors"

_ROOM = "4096"  # connections a worker: 3,000 slow ones, the quick client's, and some
_PYTHON = ("{python}", "-m")


def ours(
    workers: int,
    *options: str,
    name: str = OURS,
    beside: str = "",
    tls: tuple[str, ...] | None = None,
    through: tuple[str, ...] = (),
    app: str = "{app}",
) -> Server:
    """fastfork with its default parser.  through: a command that starts it.  app: another than
    the workload's."""
    return Server(
        name=name,
        module="fastfork",
        beside=beside,
        tls=tls,
        command=(
            *through,
            *(*_PYTHON, "fastfork", app, "-w", str(workers), "-b", "127.0.0.1:{port}"),
            *("--log-level", "error", *options),
        ),
    )


KINDS: Final = (
    ours(2),
    ours(2, "--threads", "4", name=f"{OURS}-threads"),
    ours(2, "-k", "gevent", name=f"{OURS}-gevent", beside="gevent"),
    ours(2, "-k", "asgi", name=f"{OURS}-asgi", app="benchmarks.slow.asgi_app:app"),
    ours(2, name=f"{OURS}-tls", tls=("--certfile", "{certificate}", "--keyfile", "{key}")),
    ours(2, name=CROWDED, through=("prlimit", f"--nofile={FEW}:{FEW}")),
)

_ALL = (
    *KINDS,
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
