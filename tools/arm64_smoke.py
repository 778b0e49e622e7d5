"""Ask a server that another interpreter runs: each kind of worker, reloads, and the end.

    python tools/arm64_smoke.py --path FOLDERS -- qemu-aarch64-static /path/to/python3.13

What stands behind `--` runs Python; `--path` is its PYTHONPATH.  Prints a line for each server;
exit code 0 when all have served and stopped cleanly.  Runs in: cli
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

DEADLINE = 120.0  # seconds for a start, and for a stop: every instruction is translated
APPLICATIONS = """
import hashlib

def wsgi(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [hashlib.sha256(body).hexdigest().encode()]

async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": hashlib.sha256(body).hexdigest().encode()})
"""
SERVERS = {
    "native parser": ["--http-parser", "native", "shop:wsgi"],
    "llhttp": ["--http-parser", "httptools", "shop:wsgi"],
    "two workers of four threads": ["-w", "2", "--threads", "4", "shop:wsgi"],
    "preloaded": ["--preload", "shop:wsgi"],
    "asgi": ["-k", "asgi", "shop:asgi"],
    "static files": ["--static-path", "/files={folder}", "shop:wsgi"],
}
BODIES = (b"", b"x" * 1000, os.urandom(300_000))


def wait_for(process: subprocess.Popen[bytes], log: Path, pattern: str, times: int = 1) -> str:
    """The first group of `pattern`, when it has come so often in the log."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        if len(found := re.findall(pattern, log.read_text())) >= times:
            return str(found[0])
        time.sleep(0.05)
    raise SystemExit(f"no {pattern!r} in:\n{log.read_text()}")


def ask(port: int, name: str, folder: Path) -> None:
    """Requests on one connection, of each size."""
    connection = http.client.HTTPConnection("127.0.0.1", port, DEADLINE)
    for body in BODIES:
        if name == "static files":
            folder.joinpath("file.bin").write_bytes(body)
            connection.request("GET", "/files/file.bin")
            wanted = body
        else:
            connection.request("POST", "/", body=body)
            wanted = hashlib.sha256(body).hexdigest().encode()
        answer = connection.getresponse()
        if answer.status != 200 or answer.read() != wanted:
            raise SystemExit(f"{name}: status {answer.status}, or another body than was asked for")
    connection.close()


def serve(name: str, options: list[str], command: list[str], path: str, folder: Path) -> None:
    """Start, ask, reload, ask again, stop."""
    log = folder / "log"
    command = [*command, "-P", "-m", "fastfork", "--bind", "127.0.0.1:0", "--timeout", "120"]
    command += [option.format(folder=folder) for option in options]
    environ = {**os.environ, "PYTHONPATH": f"{folder}:{path}", "PYTHONDONTWRITEBYTECODE": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=output, stderr=output)
    try:
        port = int(wait_for(process, log, r"Listening at: http://127\.0\.0\.1:(\d+)"))
        workers = 2 if "-w" in options else 1
        wait_for(process, log, "Worker ready", workers)
        ask(port, name, folder)
        process.send_signal(signal.SIGHUP)
        wait_for(process, log, "Worker ready", 2 * workers)
        ask(port, name, folder)
        process.send_signal(signal.SIGTERM)
        code = process.wait(DEADLINE)
    finally:
        process.kill()
        process.wait(DEADLINE)
    text = log.read_text()
    if code != 0 or "Traceback" in text:
        raise SystemExit(f"{name}: exit code {code}\n{text}")
    print(f"{name}: {2 * len(BODIES)} answers, a reload, a clean end", flush=True)


def main() -> None:
    """Serve with each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--path", required=True, help="PYTHONPATH of the server")
    parser.add_argument("command", nargs="+", help="what runs Python")
    args = parser.parse_args()
    for name, options in SERVERS.items():
        with tempfile.TemporaryDirectory() as directory:
            folder = Path(directory)
            folder.joinpath("shop.py").write_text(APPLICATIONS)
            serve(name, options, args.command, args.path, folder)


if __name__ == "__main__":
    main()
