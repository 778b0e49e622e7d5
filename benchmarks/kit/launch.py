"""Start a server, wait until it gives the right answer, stop it.

Runs in: cli
"""

from __future__ import annotations

import itertools
import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

from benchmarks.kit import processes
from benchmarks.kit.heads import Request
from benchmarks.kit.servers import CERTIFICATE, FLOOR, KEY, ROOT, WS_LOAD, Server
from benchmarks.kit.workloads import Workload

START_SECONDS = 20.0
STOP_SECONDS = 5.0
KILLED_SECONDS = 30.0  # the kernel may have thousands of sockets to close
# Below the ephemeral range (32768 up), so that no outgoing connection sits on one; a new
# port for each start, so that connections in TIME_WAIT never stand in the way.
_ports = itertools.cycle(range(20_000, 32_000))


class CannotStart(Exception):
    """The server ended or gave no right answer in time; the text has the end of its log."""


@dataclass(frozen=True)
class Running:
    """A server that answers; `root` is the pid that all others of it descend from."""

    port: int
    root: int
    scheme: str = "http"

    @property
    def host(self) -> str:
        """As in the Host field."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Of the root."""
        return f"{self.scheme}://{self.host}/"


def build_floor(scratch: Path) -> None:
    """Compile floor.c.  Raises CannotStart with the compiler's text."""
    _compile(ROOT / "benchmarks" / "floor" / "floor.c", scratch / FLOOR)


def build_ws_load(scratch: Path) -> None:
    """Compile ws_load.c.  Raises CannotStart with the compiler's text."""
    _compile(ROOT / "benchmarks" / "asgi" / "ws_load.c", scratch / WS_LOAD)


def _compile(source: Path, program: Path) -> None:
    command = ["cc", "-std=c11", "-O2", "-o", str(program), str(source)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        raise CannotStart(f"no C compiler: {source.name} needs cc (apt install gcc)") from None
    except subprocess.CalledProcessError as error:
        raise CannotStart(f"{' '.join(command)}: {error.stderr}") from error


def build_certificate(scratch: Path) -> None:
    """Make a self-signed certificate with an ECDSA key.  Raises CannotStart."""
    command = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-keyout", str(scratch / KEY), "-out", str(scratch / CERTIFICATE)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        raise CannotStart("no openssl: TLS needs a certificate (apt install openssl)") from None
    except subprocess.CalledProcessError as error:
        raise CannotStart(f"{' '.join(command)}: {error.stderr}") from error


def cores() -> tuple[int, int]:
    """The core of the servers and the core of the load.  Raises CannotStart for one core."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise CannotStart("the benchmarks need two cores: one for the server, one for the load")
    return usable[0], usable[1]


def on_core(core: int) -> None:
    """For the child between fork and exec: pin it and allow it 10,000 connections."""
    os.sched_setaffinity(0, {core})
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextmanager
def running(server: Server, workload: Workload, core: int, scratch: Path) -> Iterator[Running]:
    """The server, pinned to `core` with everything it forks, answering as it should.

    Its output goes to a file in `scratch`.  Raises CannotStart.
    """
    port = free_port()
    log = scratch / f"{server.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            server.argv(workload, port, scratch),
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=partial(on_core, core),
        )
    try:
        # The floor answers as many bytes as the application would, not the same ones.
        expect = None if server.name == FLOOR else workload.expect
        scheme = "https" if workload.tls and server.name != FLOOR else "http"
        _wait_until_right(process, Running(port, process.pid, scheme), workload, expect, log)
        yield Running(port, process.pid, scheme)
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the root, then SIGKILL to what is left of its tree."""
    # By descriptor: a number may belong to another process by the time of the second signal.
    family = []
    for pid in processes.tree(process.pid):
        with suppress(ProcessLookupError):
            family.append(os.pidfd_open(pid))
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    for descriptor in family:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        os.close(descriptor)
    process.wait(KILLED_SECONDS)


def environment() -> dict[str, str]:
    """Of the servers: they import the fastfork and the apps that this process would."""
    if sys.flags.safe_path:  # found without the working directory, so they will find them too
        return dict(os.environ)
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    return os.environ | {"PYTHONPATH": path}


def free_port() -> int:
    """A loopback port that nothing uses, a new one with each call."""
    for port in itertools.islice(_ports, 1000):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise CannotStart("no free port between 20000 and 32000")


def _wait_until_right(
    process: subprocess.Popen[bytes],
    it: Running,
    workload: Workload,
    expect: bytes | None,
    log: Path,
) -> None:
    deadline = time.monotonic() + START_SECONDS
    problem = "no connection"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            problem = f"exit code {process.returncode}"
            break
        try:
            problem = _wrong_with(it, workload.request, expect)
        except (OSError, HTTPException) as error:
            problem = f"{type(error).__name__}: {error}"
        if not problem:
            return
        time.sleep(0.02)
    tail = log.read_text(errors="replace")[-600:].strip()
    raise CannotStart(f"{problem}; its log ends: {tail or '(empty)'}")


def _wrong_with(it: Running, request: Request, expect: bytes | None) -> str:
    """What is wrong with the answer, "" when nothing is."""
    connection: HTTPConnection
    if it.scheme == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = HTTPSConnection("127.0.0.1", it.port, timeout=5, context=context)
    else:
        connection = HTTPConnection("127.0.0.1", it.port, timeout=5)
    try:
        connection.request(
            request.method, request.target, request.body or None, dict(request.fields)
        )
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        return f"status {answer.status}"
    return "" if expect in (None, body) else f"another body: {body[:60]!r}"
