"""The table of scenes: how many workers, threads and connections, and what fastfork promises.

Every server is told the same numbers.  One that cannot have threads and workers at once is
not here.  fastfork takes part in a scene once more with connections that stay where they are,
as soon as it has that setting.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from benchmarks.kit.servers import Server
from benchmarks.kit.workloads import Workload

LATENCY: Final = Workload(
    name="latency", title="3 % sleep", tool="latency", app="benchmarks.latency.app:app"
)
OURS: Final = "fastfork"
ALONE: Final = "fastfork-no-sharing"  # connections stay with the worker that accepted them

_PYTHON = ("{python}", "-m")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One shape of the load.

    target: the figure of the instant answers that fastfork promises ("p50_ms" or "p99_ms"),
    limit: at most so many milliseconds.
    """

    name: str
    title: str
    workers: int
    threads: int
    connections: int
    target: str
    limit: float

    def servers(self) -> Mapping[str, Server]:
        """Those that take part, by name; whether they are installed is for the caller to ask."""
        found = [_ours(OURS, self)]
        if self.threads == 1 and _knows("share_connections"):
            found.append(_ours(ALONE, self, "--no-share-connections"))
        found += [_gunicorn(self), _granian(self), _peregrine(self)]
        return {one.name: one for one in found}


def _knows(name: str) -> bool:
    """Whether the installed fastfork has this setting."""
    from fastfork.config import SETTINGS

    return name in SETTINGS


def plain(threads: int) -> Server:
    """fastfork with one worker and so many threads, for what threads cost when nothing is slow."""
    scene = Scene(
        name="", title="", workers=1, threads=threads, connections=0, target="", limit=0.0
    )
    return _ours(f"fastfork-threads-{threads}", scene)


def _ours(name: str, scene: Scene, *options: str) -> Server:
    return Server(
        name=name,
        module="fastfork",
        command=(
            *(*_PYTHON, "fastfork", "{app}", "-b", "127.0.0.1:{port}"),
            *("-w", str(scene.workers), "--threads", str(scene.threads)),
            *("--log-level", "error", *options),
        ),
    )


def _gunicorn(scene: Scene) -> Server:
    return Server(
        name="gunicorn-gthread",
        module="gunicorn",
        distribution="gunicorn",
        command=(
            *(*_PYTHON, "gunicorn", "{app}", "-b", "127.0.0.1:{port}", "-k", "gthread"),
            *("-w", str(scene.workers), "--threads", str(scene.threads)),
            *("--log-level", "error", "--no-control-socket"),
        ),
    )


def _granian(scene: Scene) -> Server:
    return Server(
        name="granian",
        module="granian",
        distribution="granian",
        command=(
            *(*_PYTHON, "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
            *("--port", "{port}", "--workers", str(scene.workers)),
            *("--blocking-threads", str(scene.threads), "--http", "1"),
            *("--no-ws", "--no-log", "{app}"),
        ),
    )


def _peregrine(scene: Scene) -> Server:
    return Server(
        name="peregrine",
        module="peregrine",
        distribution="peregrine-server",
        command=(
            *(*_PYTHON, "peregrine", "--host", "127.0.0.1", "--port", "{port}"),
            *("--workers", str(scene.workers), "--wsgi-threads", str(scene.threads)),
            *("--protocol", "wsgi", "--log-level", "error", "{app}"),
        ),
    )


_ALL = (
    Scene(
        name="threads",
        title="8 workers of 4 threads, 64 connections",
        workers=8,
        threads=4,
        connections=64,
        target="p99_ms",
        limit=5.0,
    ),
    Scene(
        name="hand-over",
        title="8 workers of 1 thread, 16 connections",
        workers=8,
        threads=1,
        connections=16,
        target="p99_ms",
        limit=10.0,
    ),
    Scene(
        name="one-worker",
        title="1 worker of 8 threads, 64 connections",
        workers=1,
        threads=8,
        connections=64,
        target="p50_ms",
        limit=4.0,
    ),
)

SCENES: Final[Mapping[str, Scene]] = MappingProxyType({one.name: one for one in _ALL})
