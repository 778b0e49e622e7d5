"""Twenty million mixed requests to one worker: python -m benchmarks.soak [--help].

Every answer is compared with the right one, byte by byte (soak.c); memory of the worker is
printed at 1, 5 and 20 million. The last line says PASS when nothing was wrong, the worker is
the one that began, and its RSS grew by less than 1 % after the first million.

Runs in: cli
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.kit import processes
from benchmarks.kit.heads import Request
from benchmarks.kit.launch import CannotStart, Running, cores, on_core, running
from benchmarks.kit.servers import ROOT, Server
from benchmarks.kit.workloads import Workload
from benchmarks.soak.mix import MILLION, MIX, MIX_OF_ASGI, Part

ROUNDS = 20
MARKS = (1, 5, 20)  # rounds after which memory is read: 1, 5 and 20 million
MOST_GROWTH = 0.01
PART_SECONDS = 300.0  # for a part of a million requests, at most; 10 are needed for the largest
SETTLE_SECONDS = 3.0  # until a worker at rest has forgotten what it remembers of requests
SILENCE_SECONDS = 0.3
SWITCHING = 101
ECHO_AND_CLOSE = b"\x81\x05Hello\x88\x02\x03\xe8"  # frames (RFC 6455 section 5.7), code 1000
BULK = 3  # parts, the first ones, that run beside all others

_SERVER: Final = Server(
    name="fastfork",
    module="fastfork",
    command=(
        *("{python}", "-m", "fastfork", "{app}", "-w", "1", "-b", "127.0.0.1:{port}"),
        *("--keep-alive", "30", "--log-level", "warning", "--access-logfile", "/dev/null"),
    ),
)
_WORKLOADS: Final = {
    worker: Workload(name="soak", title="soak test", tool="soak", app=app)
    for worker, app in (
        ("sync", "benchmarks.soak.app:app"),
        ("asgi", "benchmarks.soak.asgi_app:app"),
    )
}


class SoakFailed(Exception):
    """The soak cannot go on; the text says why."""


@dataclass
class Tally:
    """What has happened so far.  memory: {round: (RSS, PSS)} of the worker, in bytes."""

    requests: int = 0
    errors: int = 0
    wrong: list[str] = field(default_factory=list)
    memory: dict[int, tuple[int, int]] = field(default_factory=dict)

    def add(self, part: Part, said: dict[str, object]) -> None:
        """Count what the client reported about a part."""
        self.requests += int(str(said["requests"]))
        self.errors += int(str(said["errors"]))
        if said["errors"]:
            self.wrong.append(f"{part.name}: {said['errors']} errors, first: {said['first']}")

    @property
    def growth(self) -> tuple[float, float]:
        """Of RSS and of PSS since the first mark, as shares."""
        first, last = self.memory[min(self.memory)], self.memory[max(self.memory)]
        return last[0] / first[0] - 1, last[1] / first[1] - 1


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when it could not run to its end, 3 when it found something."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    default = int(os.environ.get("SOAK_REQUESTS", ROUNDS * MILLION))
    parser.add_argument("--requests", type=int, default=default, help="in all, 20 million")
    parser.add_argument("--parser", default="auto", help="http_parser of the server")
    parser.add_argument(
        "--worker-class", choices=list(_WORKLOADS), default="sync", help="asgi: WebSockets as well"
    )
    options = parser.parse_args(argv)
    if options.requests < ROUNDS * 1000:
        parser.error(f"--requests {options.requests}: give {ROUNDS * 1000} or more")
    tally = Tally()
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="fastfork-soak-") as scratch:
            same = _soak(tally, options, Path(scratch))
    except (CannotStart, SoakFailed, OSError) as error:
        print(f"soak: FAIL after {tally.requests} requests: {error}")
        return 1
    return _verdict(tally, same, time.monotonic() - began)


def _verdict(tally: Tally, same_worker: bool, seconds: float) -> int:
    for line in tally.wrong:
        print(line)
    marks = ", ".join(
        f"{rss / 1024:.0f}/{pss / 1024:.0f}" for _, (rss, pss) in sorted(tally.memory.items())
    )
    # RSS decides: a page that others map too counts in PSS by their number, which is not ours.
    rss_growth, pss_growth = tally.growth
    passed = tally.errors == 0 and same_worker and rss_growth < MOST_GROWTH
    print(
        f"soak: {tally.requests} requests in {seconds:.0f} s, {tally.errors} errors, "
        f"{'the same worker' if same_worker else 'ANOTHER WORKER'}, RSS/PSS {marks} KiB at the "
        f"marks, growth {rss_growth:+.2%}/{pss_growth:+.2%}: {'PASS' if passed else 'FAIL'}"
    )
    return 0 if passed else 3


def _soak(tally: Tally, options: argparse.Namespace, scratch: Path) -> bool:
    """Whether the worker at the end is the one of the beginning."""
    binary = scratch / "soak"
    source = ROOT / "benchmarks" / "soak" / "soak.c"
    subprocess.run(["cc", "-std=c11", "-O2", "-o", binary, source], check=True, timeout=60)
    used = cores()
    os.sched_setaffinity(0, {used[1]})
    server = Server(
        name=_SERVER.name,
        module=_SERVER.module,
        command=(
            *(*_SERVER.command, "--http-parser", options.parser),
            *("--worker-class", options.worker_class),
        ),
    )
    mix = MIX_OF_ASGI if options.worker_class == "asgi" else MIX
    with running(server, _WORKLOADS[options.worker_class], used[0], scratch) as it:
        workers = _workers(it)
        for part in mix:
            _learn(part, it, scratch)
        for number in range(1, ROUNDS + 1):
            _round(tally, mix, options.requests // ROUNDS, it, scratch, used[1])
            if number in MARKS:
                _mark(tally, number, it)
            print(f"{tally.requests} requests, {tally.errors} errors", file=sys.stderr, flush=True)
        return _workers(it) == workers


def _workers(it: Running) -> list[int]:
    return [pid for pid in processes.tree(it.root) if pid != it.root]


def _mark(tally: Tally, number: int, it: Running) -> None:
    time.sleep(SETTLE_SECONDS)
    with socket.create_connection(("127.0.0.1", it.port), 10) as client:
        client.sendall(Request(target="/trim", fields=(("Connection", "close"),)).wire(it.host))
        while client.recv(4096):
            pass
    workers = _workers(it)
    memory = processes.memory(workers)
    tally.memory[number] = (memory.rss, memory.pss)
    print(
        f"after {tally.requests} requests: RSS {memory.rss / 1024:.0f} KiB, "
        f"PSS {memory.pss / 1024:.0f} KiB, {processes.descriptors(workers)} descriptors",
        flush=True,
    )


def _round(
    tally: Tally, mix: Sequence[Part], requests: int, it: Running, scratch: Path, core: int
) -> None:
    """Two clients beside each other: one sends the bulk, the other everything else."""

    def play(parts: Sequence[Part]) -> list[tuple[Part, dict[str, object]]]:
        return [(part, _play(part, requests, it, scratch, core)) for part in parts]

    with ThreadPoolExecutor(2) as pool:
        for said in pool.map(play, (mix[:BULK], mix[BULK:])):
            for part, report in said:
                tally.add(part, report)


def _play(part: Part, requests: int, it: Running, scratch: Path, core: int) -> dict[str, object]:
    count = max(1, round(part.share * requests / MILLION))
    command = [scratch / "soak", it.port, *_files(part, scratch), part.connections]
    try:
        done = subprocess.run(
            [str(word) for word in (*command, count, part.depth, part.mode)],
            capture_output=True,
            text=True,
            timeout=PART_SECONDS,
            preexec_fn=lambda: on_core(core),
        )
    except subprocess.TimeoutExpired:
        raise SoakFailed(f"{part.name}: not over in {PART_SECONDS:g} s") from None
    if done.returncode == 1:
        raise SoakFailed(f"{part.name}: {done.stderr.strip()}")
    report: dict[str, object] = json.loads(done.stdout)
    if done.returncode:
        raise SoakFailed(f"{part.name}: {report['first']}")
    return report


def _files(part: Part, scratch: Path) -> tuple[Path, Path]:
    name = str(MIX_OF_ASGI.index(part))
    return scratch / f"{name}.request", scratch / f"{name}.answer"


def _learn(part: Part, it: Running, scratch: Path) -> None:
    """Ask once, look closely at the answer, and keep it for soak.c to compare with."""
    request, answer = _files(part, scratch)
    request.write_bytes(part.request)
    received = b""
    if part.mode != "reset":
        with socket.create_connection(("127.0.0.1", it.port), 10) as client:
            client.sendall(part.request)
            received = _until_silence(client)
        _check(part, received)
    answer.write_bytes(received)


def _until_silence(client: socket.socket) -> bytes:
    received = bytearray()
    with suppress(TimeoutError):
        while piece := client.recv(1 << 20):
            received += piece
            client.settimeout(SILENCE_SECONDS)
    return bytes(received)


class _Received:
    """What http.client reads from: bytes that have come already."""

    def __init__(self, data: bytes) -> None:
        self.file = io.BytesIO(data)

    def makefile(self, _mode: str) -> io.BytesIO:
        """See socket.socket."""
        return self.file


def _check(part: Part, received: bytes) -> None:
    if part.status == SWITCHING:
        if not (received.startswith(b"HTTP/1.1 101 ") and received.endswith(ECHO_AND_CLOSE)):
            raise SoakFailed(f"{part.name}: {received!r}")
        return
    method = part.request.split(b" ", 1)[0].decode()
    source = _Received(received)
    parsed = http.client.HTTPResponse(source, method=method)  # type: ignore[arg-type]
    try:
        parsed.begin()
        body = parsed.read()
    except http.client.HTTPException as error:
        raise SoakFailed(f"{part.name}: {error!r}: {received[:200]!r}") from None
    rest = source.file.read() if not source.file.closed else b""
    right = parsed.status == part.status and part.length in (None, len(body)) and not rest
    if not right:
        raise SoakFailed(
            f"{part.name}: {part.status} and {part.length} bytes expected, not {received[:200]!r}"
        )


if __name__ == "__main__":
    sys.exit(main())
