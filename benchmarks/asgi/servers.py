"""The ASGI servers that are compared, each with one worker and no access log.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from benchmarks.kit.servers import FLOOR, Server

__all__ = ["APP", "SERVERS"]

APP: Final = "benchmarks.apps.asgi_app:app"
_HERE: Final = ("--host", "127.0.0.1", "--port", "{port}")


def _fastfork(name: str, *options: str, beside: str = "") -> Server:
    return Server(
        name=name,
        module="fastfork",
        beside=beside,
        distribution="fastfork",
        command=(
            *("{python}", "-m", "fastfork", APP, "-k", "asgi", "-b", "127.0.0.1:{port}"),
            *("--worker-connections", "8192", "--log-level", "warning", *options),
        ),
    )


def _other(name: str, *command: str, distribution: str = "") -> Server:
    """One whose module has its name's first word."""
    module = name.partition("-")[0]
    return Server(
        name=name,
        module=module,
        distribution=distribution or module,
        command=("{python}", "-m", module, *command),
    )


_ALL = (
    Server(name=FLOOR, command=("{floor}", "{port}")),
    _fastfork("fastfork"),
    _fastfork("fastfork-uvloop", "--asgi-loop", "uvloop", beside="uvloop"),
    _other("uvicorn", APP, *_HERE, "--no-access-log", "--log-level", "error"),
    _other(
        "granian",
        *("--interface", "asgi", *_HERE, "--no-access-log", "--log-level", "error", APP),
    ),
    _other(
        "gunicorn-asgi",
        *(APP, "-k", "asgi", "-w", "1", "-b", "127.0.0.1:{port}", "--worker-connections", "8192"),
        *("--log-level", "warning", "--no-control-socket"),
    ),
    _other("hypercorn", APP, "-b", "127.0.0.1:{port}", "--log-level", "error"),
    _other(
        "peregrine",
        *(*_HERE, "--max-connections", "8192", "--keep-alive", "600000", APP),
        distribution="peregrine-server",
    ),
    _other(
        "weft",
        *(APP, *_HERE, "--max-connections", "8192", "--no-access-log"),
        distribution="weft-server",
    ),
)
SERVERS: Final[Mapping[str, Server]] = MappingProxyType({one.name: one for one in _ALL})
