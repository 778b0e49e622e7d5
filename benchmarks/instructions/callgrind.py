"""Run a server under callgrind, send it requests, count the instructions of its worker.

Runs in: cli
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.kit import processes
from benchmarks.kit.heads import Request
from benchmarks.kit.launch import CannotStart, environment, free_port
from benchmarks.kit.servers import ROOT, Server
from benchmarks.kit.workloads import WORKLOADS

# Python under callgrind is some 50 times slower; importing a server took 8 s here.
START_SECONDS = 120.0
ANSWER_SECONDS = 30.0
# Requests of the two runs whose difference is divided.  Enough that timers and the odd resize of a
# cache are below 0.1 %.
FEW, MANY = 1_000, 11_000
# "  12,345 ( 6.7%)  directory/file.c:function'2 [directory/object]"
_ANNOTATED = re.compile(
    r"^ *(?P<count>[\d,]+) \([^)]*\)  \S*:(?P<function>[^\s']+)(?:'\d+)?(?: \[(?P<object>.+)\])?$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Count:
    """Instructions of one run: all of them, and by function where asked for."""

    total: int
    by_function: Counter[str]


def count(
    server: Server, request: Request, requests: int, scratch: Path, *, functions: bool = False
) -> Count:
    """Instructions that the workers execute from their birth to their end.

    They answer `requests` on one connection, one at a time.  A forked worker's count
    includes what its parent executed before the fork.  Raises CannotStart.
    """
    if shutil.which("valgrind") is None:
        raise CannotStart("valgrind is not installed (apt install valgrind)")
    for old in scratch.glob("callgrind.out.*"):
        old.unlink()
    valgrind = ["valgrind", "--tool=callgrind", "--trace-children=yes"]
    valgrind.append(f"--callgrind-out-file={scratch}/callgrind.out.%p")
    # Without address randomisation: objects that hash by address fall into the same slots.
    fixed = ["setarch", "-R"] if _works(["setarch", "-R", "true"]) else []
    pids = _serve([*fixed, *valgrind], server, request, requests, scratch)
    # The root is the arbiter where there is one; it does nothing for a request.
    files = [scratch / f"callgrind.out.{pid}" for pid in pids[1:] or pids]
    return Count(
        total=sum(_total(file) for file in files),
        by_function=_functions(files) if functions else Counter(),
    )


def warm_up(server: Server, request: Request, scratch: Path) -> None:
    """One request without callgrind: afterwards every module is there as byte code.

    Compiling it in the first of two runs would count as 30,000 instructions a request.
    """
    _serve([], server, request, 1, scratch)


def _serve(
    prefix: Sequence[str], server: Server, request: Request, requests: int, scratch: Path
) -> tuple[int, ...]:
    """Start, send, stop.  Returns the pids, the root first."""
    port = free_port()
    log = scratch / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*prefix, *server.argv(WORKLOADS["plain"], port, scratch)],
            cwd=ROOT,
            # One hash seed: the same dict layouts, so the same probes, in every run.
            env=environment() | {"PYTHONHASHSEED": "0"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _exchange(process, port, request, requests)
        family = processes.tree(process.pid)
    except OSError as error:
        tail = log.read_text(errors="replace")[-600:].strip()
        raise CannotStart(f"{server.name}: {error}; its log ends: {tail}") from error
    finally:
        _end(process)
    return (process.pid, *(pid for pid in family if pid != process.pid))


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=10).returncode == 0
    except OSError:
        return False


def _exchange(process: subprocess.Popen[bytes], port: int, request: Request, requests: int) -> None:
    host = "127.0.0.1:8000"  # always the same bytes, whatever the port
    with _connect(process, port) as client:
        client.sendall(request.wire(host))
        size = len(_first_answer(client))
        client.settimeout(ANSWER_SECONDS)
        for number in range(1, requests):
            client.sendall(request.wire(host, number))
            left = size
            while left > 0:
                got = client.recv(left)
                if not got:
                    raise ConnectionError("the server closed the connection")
                left -= len(got)


def _connect(process: subprocess.Popen[bytes], port: int) -> socket.socket:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), START_SECONDS)
        except ConnectionRefusedError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _first_answer(client: socket.socket) -> bytes:
    answer = b""
    while True:
        head, found, body = answer.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)^content-length: *(\d+)", head, re.MULTILINE)
        if found and length and len(body) >= int(length[1]):
            break
        got = client.recv(1 << 16)
        if not got:
            raise ConnectionError("the server closed the connection")
        answer += got
    if not answer.startswith(b"HTTP/1.1 200"):
        raise ConnectionError(f"answered {answer[:60]!r}")
    return answer


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, so that each process writes its file; SIGKILL when that takes too long."""
    family = processes.tree(process.pid)
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(START_SECONDS)
    except subprocess.TimeoutExpired:
        for pid in family:
            os.kill(pid, signal.SIGKILL)
        process.wait()


def _total(file: Path) -> int:
    """The `summary:` or `totals:` line of a callgrind output file."""
    try:
        found = re.search(r"^(?:totals|summary): (\d+)", file.read_text(), re.MULTILINE)
    except FileNotFoundError:
        found = None
    if found is None:
        raise CannotStart(f"callgrind left no count in {file}")
    return int(found[1])


def _functions(files: Sequence[Path]) -> Counter[str]:
    """Instructions of each function itself, from callgrind_annotate.

    A function's lines may count under several files, as headers are inlined into it, and
    its recursion under a number; both are added up.
    """
    found: Counter[str] = Counter()
    objects: dict[str, str] = {}
    for file in files:
        command = ["callgrind_annotate", "--auto=no", "--threshold=100", str(file)]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        for line in _ANNOTATED.finditer(text):
            found[line["function"]] += int(line["count"].replace(",", ""))
            if line["object"]:
                objects[line["function"]] = f" [{Path(line['object']).name}]"
    return Counter({name + objects.get(name, ""): number for name, number in found.items()})
