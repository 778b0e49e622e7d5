"""The table of servers: how each starts with one worker, no extra threads and no logs.

A server that is not installed is left out of the run.  `python` is the interpreter that
runs the harness, so servers and harness live in one environment.

Runs in: cli
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from benchmarks.kit.workloads import Workload

ROOT = Path(__file__).resolve().parents[2]
FLOOR = "floor"
WS_LOAD = "ws_load"  # benchmarks/asgi/ws_load.c
# In the scratch directory.
CERTIFICATE, KEY = "certificate.pem", "key.pem"

# Seconds, and a number of connections, that no idle workload reaches.
_LONG = "600"
_LONG_MS = "600000"
_MANY = "12000"
_GUNICORN_TLS = ("--certfile", "{certificate}", "--keyfile", "{key}")


@dataclass(frozen=True, kw_only=True)
class Server:
    """One server.  Arguments may hold {python}, {bin}, {port}, {app}, {prefix} and {floor}.

    module, beside: have to be importable ("" = always there); program: has to be in {bin}.
    distribution: whose version is reported.
    access_log: options that turn it on, {log} being a file or its output being one; None =
    it has none.  quiet: the options instead of those, for every other workload.
    tls: options for TLS with {certificate} and {key}; None = it has none.
    many: options for 10,000 idle connections that stay open; None = it cannot hold them.
    """

    name: str
    command: tuple[str, ...]
    module: str = ""
    beside: str = ""
    program: str = ""
    distribution: str = ""
    access_log: tuple[str, ...] | None = None
    quiet: tuple[str, ...] = ()
    many: tuple[str, ...] | None = None
    tls: tuple[str, ...] | None = None

    @property
    def installed(self) -> bool:
        """Whether it can be started here."""
        if self.program and not (_bin() / self.program).exists():
            return False
        modules = filter(None, (self.module, self.beside))
        return all(importlib.util.find_spec(name) is not None for name in modules)

    @property
    def version(self) -> str:
        """Of the installed distribution; of the checkout for what is part of it."""
        if self.module == "fastfork":
            return str(importlib.import_module("fastfork").__version__)
        return importlib.metadata.version(self.distribution) if self.distribution else ""

    def runs(self, workload: Workload) -> bool:
        """Whether the workload makes sense for this server."""
        if workload.needs and importlib.util.find_spec(workload.needs) is None:
            return False
        if self.name == FLOOR:
            return True
        if workload.access_log:
            return self.access_log is not None
        if workload.tls:
            return self.tls is not None
        return workload.tool != "idle" or self.many is not None

    def argv(self, workload: Workload, port: int, scratch: Path) -> list[str]:
        """The command line; `scratch` is a directory for its access log and floor binary."""
        options = workload.floor if self.name == FLOOR else self.quiet
        if workload.access_log:
            options = self.access_log or ()
        elif workload.tool == "idle":
            options += self.many or ()
        elif workload.tls and self.name != FLOOR:
            options += self.tls or ()
        values = {
            "python": sys.executable,
            "bin": str(_bin()),
            "prefix": sys.prefix,
            "port": str(port),
            "app": workload.app,
            "floor": str(scratch / FLOOR),
            "log": str(scratch / f"{self.name}.access.log"),
            "certificate": str(scratch / CERTIFICATE),
            "key": str(scratch / KEY),
        }
        return [part.format_map(values) for part in (*self.command, *options)]


def _bin() -> Path:
    return Path(sys.prefix) / "bin"


def _fastfork(name: str, *options: str, beside: str = "") -> Server:
    return Server(
        name=f"fastfork-{name}",
        module="fastfork",
        beside=beside,
        command=(
            *("{python}", "-m", "fastfork", "{app}", "-w", "1", "-b", "127.0.0.1:{port}"),
            *(*options, "--log-level", "warning"),
        ),
        access_log=("--access-logfile", "{log}"),
        many=("--worker-connections", _MANY, "--keep-alive", _LONG, "--header-timeout", _LONG),
        tls=_GUNICORN_TLS,
    )


def _gunicorn(worker_class: str, many: tuple[str, ...] | None, beside: str = "") -> Server:
    return Server(
        name=f"gunicorn-{worker_class}",
        module="gunicorn",
        beside=beside,
        distribution="gunicorn",
        command=(
            *("{python}", "-m", "gunicorn", "{app}", "-w", "1", "-b", "127.0.0.1:{port}"),
            *("-k", worker_class, "--log-level", "warning", "--no-control-socket"),
        ),
        access_log=("--access-logfile", "{log}"),
        many=many,
        tls=_GUNICORN_TLS,
    )


def _function(name: str) -> Server:
    """A server that benchmarks/kit/runners.py starts."""
    return Server(
        name=name,
        module=name,
        distribution=name,
        command=("{python}", "-m", "benchmarks.kit.runners", name, "{port}", "{app}"),
        many=(),
    )


_ALL = (
    Server(name=FLOOR, command=("{floor}", "{port}"), many=()),
    _fastfork("httptools", "--http-parser", "httptools"),
    _fastfork("native", "--http-parser", "native"),
    _fastfork("threads", "--threads", "4"),
    _fastfork("gevent", "-k", "gevent", beside="gevent"),
    _function("bjoern"),
    _function("freastal"),
    Server(
        name="peregrine",
        module="peregrine",
        distribution="peregrine-server",
        command=(
            *("{python}", "-m", "peregrine", "--host", "127.0.0.1", "--port", "{port}"),
            *("--workers", "1", "--protocol", "wsgi", "{app}"),
        ),
        quiet=("--log-level", "error"),
        access_log=("--access-log",),
        many=("--max-connections", _MANY, "--keep-alive", _LONG_MS),
    ),
    _function("fastpysgi"),
    _function("meinheld"),
    Server(
        name="granian",
        module="granian",
        distribution="granian",
        command=(
            *("{python}", "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
            *("--port", "{port}", "--workers", "1", "--blocking-threads", "1", "--http", "1"),
            *("--runtime-mode", "st", "--no-ws", "{app}"),
        ),
        quiet=("--no-log",),
        access_log=("--access-log",),
        many=("--backlog", _MANY),
        tls=("--ssl-certificate", "{certificate}", "--ssl-keyfile", "{key}"),
    ),
    # The router process keeps connections open; the worker's own socket does not.
    Server(
        name="uwsgi",
        program="uwsgi",
        distribution="uWSGI",
        command=(
            *("{bin}/uwsgi", "--http", "127.0.0.1:{port}", "--http-keepalive", "-p", "1"),
            *("--virtualenv", "{prefix}", "--module", "{app}", "--need-app", "--die-on-term"),
        ),
        quiet=("--disable-logging",),
        access_log=(),
    ),
    Server(
        name="waitress",
        module="waitress",
        distribution="waitress",
        command=(
            *("{python}", "-m", "waitress", "--listen=127.0.0.1:{port}", "--threads=1", "{app}"),
        ),
    ),
    _gunicorn("gthread", ("--worker-connections", _MANY, "--keep-alive", _LONG)),
    _gunicorn("gevent", ("--worker-connections", _MANY, "--keep-alive", _LONG), beside="gevent"),
    _gunicorn("sync", None),
)

SERVERS: Final[Mapping[str, Server]] = MappingProxyType({one.name: one for one in _ALL})
