"""How soon /livez and /readyz are answered while every worker sleeps.

Measures: milliseconds from connect() to the end of the answer, each time on a new connection,
of two workers that are both held by a request, with more requests in the accept queue.

    python -m benchmarks.livez

Runs in: cli
"""

from __future__ import annotations

import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path

WORKERS = 2
WAITING = 50  # more requests than workers
ASKED = 1000
PAUSE = 0.002  # seconds between two
HELD = 120.0  # seconds that a request takes: longer than all of this
START_SECONDS = 20.0
SERVER = ("-P", "-m", "fastfork", "--timeout", "0", "--bind", "127.0.0.1:0", "--admin-bind",
          "127.0.0.1:0", "--workers", str(WORKERS), "benchmarks.livez:sleeping")  # fmt: skip


def sleeping(environ, start_response):
    """Runs in: worker."""
    start_response("200 OK", [("Content-Length", "0")])
    time.sleep(HELD)
    return []


@contextmanager
def server() -> Iterator[tuple[int, int]]:
    """The ports of a server and of its admin address."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "server.log")
        with path.open("wb") as log:
            process = subprocess.Popen([sys.executable, *SERVER], stdout=log, stderr=log)
        try:
            yield ports(path)
        finally:
            process.kill()
            process.wait()


def ports(path: Path) -> tuple[int, int]:
    deadline = time.monotonic() + START_SECONDS
    while path.read_text().count("Worker ready") < WORKERS:
        if time.monotonic() > deadline:
            sys.exit(f"the server did not start:\n{path.read_text()}")
        time.sleep(0.02)
    web, admin = (
        re.search(rf"{words} at: http://[\d.]+:(\d+)", path.read_text())
        for words in ("Listening", "Admin pages")
    )
    assert web
    assert admin
    return int(web[1]), int(admin[1])


def hold(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    return client


def ask(port: int, path: str) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 200, answer.status
    return (time.perf_counter() - began) * 1e3


def busy_workers(port: int) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    found = re.search(r'^fastfork_threads\{state="busy"\} ([\d.]+)$', text, re.M)
    assert found, "the extra `metrics` is needed: pip install prometheus-client"
    return int(float(found[1]))


def main() -> None:
    with server() as (web, admin), ExitStack() as held:
        for _ in range(WORKERS + WAITING):
            held.enter_context(hold(web))
        deadline = time.monotonic() + START_SECONDS
        while busy_workers(admin) < WORKERS:
            assert time.monotonic() < deadline, "the workers are not held"
            time.sleep(0.02)
        for path in ("/livez", "/readyz"):
            times = []
            for _ in range(ASKED):
                times.append(ask(admin, path))
                time.sleep(PAUSE)
            p99 = statistics.quantiles(times, n=100)[-1]
            print(
                f"{path:8} {len(times)} asked while {busy_workers(admin)} of {WORKERS} workers "
                f"sleep: least {min(times):.2f} ms, median {statistics.median(times):.2f} ms, "
                f"p99 {p99:.2f} ms, most {max(times):.2f} ms"
            )


if __name__ == "__main__":
    main()
