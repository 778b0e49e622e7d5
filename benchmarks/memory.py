"""Memory of a server with 8 Django workers: each for itself, preloaded, and forked anew (refork).

    python -m benchmarks.memory [--workers N] [--requests N]

Prints the sum of PSS (a page that n processes share counts 1/n in each) of all processes of the
server, arbiter and template included, before the first request and after many.

Runs in: cli
"""

from __future__ import annotations

import argparse
import http.client
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from benchmarks.kit import processes
from benchmarks.kit.launch import free_port

APP: Final = "benchmarks.apps.lazy_django:app"
VARIANTS: Final[tuple[tuple[str, list[str]], ...]] = (
    ("each loads for itself", []),
    ("preload", ["--preload"]),
    ("preload, refork", ["--preload", "--refork", "50"]),
)
CLIENTS: Final = 32
TIMEOUT: Final = 120.0  # seconds
MIB: Final = 1 << 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure each variant and print a line for it."""
    parser = argparse.ArgumentParser(description="PSS of a server with Django workers")
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--requests", type=int, default=4000)
    options = parser.parse_args(arguments)
    print(f"{options.workers} workers, {options.requests} requests; MiB of PSS, all processes")
    for name, flags in VARIANTS:
        before, after = measure(flags, options.workers, options.requests)
        print(f"{name:24}{before / MIB:8.1f} at start{after / MIB:8.1f} after", flush=True)
    return 0


def measure(flags: list[str], workers: int, requests: int) -> tuple[int, int]:
    """PSS of one server at its start and after so many requests, in bytes."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        command = [sys.executable, "-m", "fastfork", "-b", f"127.0.0.1:{port}"]
        command += ["--workers", str(workers), "--error-logfile", str(log), *flags, APP]
        with subprocess.Popen(command) as server:
            try:
                _wait(lambda: log.exists() and log.read_text().count("Worker ready") >= workers)
                before = processes.memory(processes.tree(server.pid)).pss
                _ask(port, requests)
                if "--refork" in flags:
                    _wait(lambda: "Refork complete" in log.read_text())
                    _ask(port, requests)
                time.sleep(2)  # workers that were replaced have gone
                return before, processes.memory(processes.tree(server.pid)).pss
            finally:
                server.terminate()


def _ask(port: int, requests: int) -> None:
    """Each request on a connection of its own, so that every worker gets some."""

    def one(_number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        connection.request("GET", "/admin/login/", headers={"Connection": "close"})
        answer = connection.getresponse()
        if answer.status != 200 or b"csrf" not in answer.read():
            raise RuntimeError(f"the application answered {answer.status}")
        connection.close()

    with ThreadPoolExecutor(CLIENTS) as pool:
        for _ in pool.map(one, range(requests)):
            pass


def _wait(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not fact():
        if time.monotonic() > deadline:
            raise RuntimeError("the server did not come so far; its log is gone, run it by hand")
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
