"""Serve a few requests with the installed package, with nothing but the standard library.

Run with -P from an empty directory in an environment that holds the wheel alone:

    python -P tools/wheel_smoke.py

Exit code 0 when both parsers serve, the server stops cleanly and no build-time or test
package is needed.  Runs in: cli
"""

from __future__ import annotations

import http.client
import importlib.util
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fastfork

DEADLINE = 20.0  # seconds for a start, and for a stop


def wait_for_port(process: subprocess.Popen[bytes], log: Path) -> int:
    """The port out of the start log."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        text = log.read_text()
        found = re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", text)
        if found and "Worker ready" in text:
            return int(found[1])
        time.sleep(0.01)
    process.kill()
    raise SystemExit(f"the server did not get ready:\n{log.read_text()}")


def serve_once(parser: str, log: Path) -> None:
    """Start, ask five times on one connection, stop."""
    command = [sys.executable, "-P", "-m", "fastfork", "--http-parser", parser]
    command += ["--bind", "127.0.0.1:0", "fastfork.demo:app"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        connection = http.client.HTTPConnection("127.0.0.1", wait_for_port(process, log), 10)
        for _ in range(5):
            connection.request("GET", "/")
            answer = connection.getresponse()
            if answer.status != 200 or not answer.read():
                raise SystemExit(f"{parser}: status {answer.status}")
        connection.close()
        process.send_signal(signal.SIGTERM)
        code = process.wait(DEADLINE)
    finally:
        process.kill()
        process.wait(DEADLINE)
    text = log.read_text()
    if code != 0 or "Traceback" in text:
        raise SystemExit(f"{parser}: exit code {code}\n{text}")


def main() -> None:
    """Check where the package comes from, then serve."""
    where = Path(fastfork.__file__).parent
    if "site-packages" not in where.parts:
        raise SystemExit(f"fastfork comes from {where}, not from a wheel")
    for name in ("Cython", "pytest"):
        if importlib.util.find_spec(name):
            raise SystemExit(f"{name} is installed here: this environment is not empty")
    for name in ("py.typed", "_core/__init__.py"):
        if not (where / name).exists():
            raise SystemExit(f"{where / name} is missing in the wheel")
    with tempfile.TemporaryDirectory() as directory:
        for parser in ("httptools", "native"):
            serve_once(parser, Path(directory, f"{parser}.log"))


if __name__ == "__main__":
    main()
