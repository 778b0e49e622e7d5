"""The servers that the corpus is played on: fastfork, and others to see that its cases are fair.

Runs in: cli
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from tests.asgi.case import NotOffered
from tests.kit import processes
from tests.kit.client import Endpoint
from tests.kit.log import Log
from tests.kit.server import APPS, ROOT, Fleet, RunningServer
from tests.kit.waiting import wait_until

# Whether `-k asgi` is there.  Until then tests/asgi is skipped, unless FASTFORK_ASGI=1 says that.
HAS_WORKER: Final = True

START: Final = 30.0  # seconds
STOP: Final = 20.0  # seconds
PEERS: Final = ("uvicorn", "granian", "hypercorn", "h2corn")


class Started(Protocol):
    """A server that was started."""

    log: Log

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens."""

    def terminate(self) -> None:
        """Send SIGTERM."""

    def wait(self) -> int:
        """Wait for the end.  Returns the exit code."""

    def end(self) -> None:
        """End it, if it has not ended, when its case is over."""


class Starter(Protocol):
    """Starts servers of one kind, with one process for the application."""

    def start(
        self,
        app: str = ...,
        *,
        lifespan: str = ...,
        root_path: str = ...,
        bind: str = ...,
        grace: int = ...,
        tls: Mapping[str, str] = ...,
        ready: str = ...,
        env: Mapping[str, str] = ...,
    ) -> Started:
        """Start one and wait until it serves, unless `ready` is "no".

        lifespan: auto, on or off.  bind: "tcp" or "unix".  env: more of the environment.
        grace: seconds for what is still served when it is to end.  tls: paths by certfile,
        keyfile and, where clients are asked for theirs, ca_certs.
        """

    def finish(self) -> None:
        """End all of them."""


class FastforkServer:
    """A RunningServer with the names of Started."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.log = server.log

    @property
    def endpoint(self) -> Endpoint:
        return self.server.endpoint

    def terminate(self) -> None:
        self.server.signal("TERM")

    def wait(self) -> int:
        return self.server.wait_exit()

    def end(self) -> None:
        if self.server.process.poll() is None:
            self.terminate()
            assert self.wait() == 0, self.log.text()


class Fastfork:
    """Starts fastfork with `-k asgi`; its servers are checked for what they leave behind.

    options: more of the command line, of all of them.
    """

    def __init__(self, files: Path, *options: str) -> None:
        self._fleet = Fleet(files)
        self._files, self._options = files, options
        self._started: list[RunningServer] = []

    def start(
        self,
        app: str = "asgi_stage:app",
        *,
        lifespan: str = "auto",
        root_path: str = "",
        bind: str = "tcp",
        grace: int = 30,
        tls: Mapping[str, str] | None = None,
        ready: str = "yes",
        env: Mapping[str, str] | None = None,
    ) -> Started:
        options = ["-k", "asgi", "--keep-alive", "60", *self._options]
        if lifespan != "auto":
            options += ["--asgi-lifespan", lifespan]
        options += ["--graceful-timeout", str(grace)]
        if root_path:
            options += ["--root-path", root_path]
        for name, path in (tls or {}).items():
            options += [f"--{name.replace('_', '-')}", path]
        if tls is not None and "ca_certs" in tls:
            options += ["--cert-reqs", "1"]
        if bind == "unix":
            options += ["--bind", f"unix:{self._files / f'{len(self._started)}.sock'}"]
        server = self._fleet.start(app, *options, ready=ready == "yes", env=env)
        self._started.append(server)
        return FastforkServer(server)

    def finish(self) -> None:
        for server in self._started:
            if "Traceback" in server.log.text():
                server.expect_alarm("Traceback")  # of applications that are to raise
        self._fleet.finish()


class PeerServer:
    """A process that listens where it was told to."""

    def __init__(self, endpoint: Endpoint, log: Log, process: subprocess.Popen[bytes]) -> None:
        self._endpoint, self.log, self.process = endpoint, log, process

    @property
    def endpoint(self) -> Endpoint:
        return self._endpoint

    def wait_ready(self) -> None:
        wait_until(self._answers, lambda: f"it serves:\n{self.log.text()}", START)
        assert self.process.poll() is None, self.log.text()

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            return True
        family = socket.AF_UNIX if isinstance(self.endpoint, str) else socket.AF_INET
        with socket.socket(family) as probe:
            return probe.connect_ex(self.endpoint) == 0

    def terminate(self) -> None:
        self.process.terminate()

    def wait(self) -> int:
        return self.process.wait(STOP)

    def end(self) -> None:
        for pid in processes.in_session(self.process.pid):  # granian has a worker, too
            os.kill(pid, signal.SIGKILL)
        self.process.wait(STOP)


class Peer:
    """Starts another server.

    kind: one of PEERS.  python: an interpreter that has it.
    """

    def __init__(self, kind: str, python: str, files: Path) -> None:
        self.kind, self.python, self.files = kind, os.path.abspath(python), files
        self._started: list[PeerServer] = []

    def start(
        self,
        app: str = "asgi_stage:app",
        *,
        lifespan: str = "auto",
        root_path: str = "",
        bind: str = "tcp",
        grace: int = 30,
        tls: Mapping[str, str] | None = None,
        ready: str = "yes",
        env: Mapping[str, str] | None = None,
    ) -> Started:
        name = f"{self.kind}-{len(self._started)}"
        endpoint: Endpoint = ("127.0.0.1", _free_port())
        if bind == "unix":
            endpoint = str(self.files / f"{name}.sock")
        log = Log(self.files / f"{name}.log")
        arguments = ARGUMENTS[self.kind](endpoint, lifespan, root_path)
        arguments += [GRACE[self.kind], str(grace)]
        for setting, path in (tls or {}).items():
            arguments += [TLS[self.kind][setting], path]
        if tls is not None and "ca_certs" in tls:
            if self.kind not in ASKS_CLIENTS:
                raise NotOffered("cannot ask clients for a certificate without demanding one")
            arguments += ASKS_CLIENTS[self.kind]
        with log.path.open("ab") as output:
            process = subprocess.Popen(
                [self.python, "-P", "-m", self.kind, *arguments, app],
                cwd=self.files,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join([str(APPS), str(ROOT)]),
                    "PYTHONUNBUFFERED": "1",
                    **(env or {}),
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        server = PeerServer(endpoint, log, process)
        self._started.append(server)
        if ready == "yes":
            server.wait_ready()
        return server

    def finish(self) -> None:
        for server in self._started:
            server.end()


def _free_port() -> int:
    """A port that was free just now; others cannot be told to choose one and say which."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _uvicorn(endpoint: Endpoint, lifespan: str, root_path: str) -> list[str]:
    where = ["--uds", endpoint] if isinstance(endpoint, str) else ["--port", str(endpoint[1])]
    root = ["--root-path", root_path] if root_path else []
    return [*where, *root, "--lifespan", lifespan, "--timeout-keep-alive", "60"]


def _granian(endpoint: Endpoint, lifespan: str, root_path: str) -> list[str]:
    where = ["--uds", endpoint] if isinstance(endpoint, str) else ["--port", str(endpoint[1])]
    root = ["--url-path-prefix", root_path] if root_path else []
    if lifespan == "on":
        raise NotOffered("no option that demands a lifespan")
    interface = "asginl" if lifespan == "off" else "asgi"
    return [*where, *root, "--interface", interface, "--workers", "1", "--log-level", "debug"]


def _hypercorn(endpoint: Endpoint, lifespan: str, root_path: str) -> list[str]:
    where = f"unix:{endpoint}" if isinstance(endpoint, str) else f"127.0.0.1:{endpoint[1]}"
    root = ["--root-path", root_path] if root_path else []
    if lifespan != "auto":
        raise NotOffered("no option for the lifespan")
    return ["--bind", where, *root, "--keep-alive", "60", "--workers", "1"]


def _h2corn(endpoint: Endpoint, lifespan: str, root_path: str) -> list[str]:
    where = f"unix:{endpoint}" if isinstance(endpoint, str) else f"127.0.0.1:{endpoint[1]}"
    root = ["--root-path", root_path] if root_path else []
    return ["--bind", where, *root, "--lifespan", lifespan]


ARGUMENTS: Final = {
    "uvicorn": _uvicorn,
    "granian": _granian,
    "hypercorn": _hypercorn,
    "h2corn": _h2corn,
}
GRACE: Final = {
    "uvicorn": "--timeout-graceful-shutdown",
    "granian": "--workers-kill-timeout",
    "hypercorn": "--graceful-timeout",
    "h2corn": "--timeout-graceful-shutdown",
}
TLS: Final = {
    "uvicorn": {
        "certfile": "--ssl-certfile", "keyfile": "--ssl-keyfile", "ca_certs": "--ssl-ca-certs",
    },
    "granian": {
        "certfile": "--ssl-certificate", "keyfile": "--ssl-keyfile", "ca_certs": "--ssl-ca",
    },
    "hypercorn": {"certfile": "--certfile", "keyfile": "--keyfile", "ca_certs": "--ca-certs"},
    "h2corn": {"certfile": "--certfile", "keyfile": "--keyfile", "ca_certs": "--ca-certs"},
}  # fmt: skip
ASKS_CLIENTS: Final = {
    "uvicorn": ["--ssl-cert-reqs", "1"],
    "hypercorn": ["--verify-mode", "CERT_OPTIONAL"],
    "h2corn": ["--cert-reqs", "optional"],
}
