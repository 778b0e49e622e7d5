"""ASGI servers beside each other: python -m benchmarks.asgi [--help].

As in benchmarks.together all servers are up at once, on one core, and each is driven for a second
in turn; a figure is compared with that of the same round.  The floor (floor/floor.c)
answers the same bytes, and sends messages back, without an application.  A server that does not
start, or does not stand a row, is left out, and said to be.

Runs in: cli
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.apps import asgi_app
from benchmarks.apps.plain import HELLO
from benchmarks.asgi.servers import APP, SERVERS
from benchmarks.kit import facts, processes
from benchmarks.kit.heads import KIB, Request
from benchmarks.kit.launch import CannotStart, Running, build_floor, build_ws_load, cores, running
from benchmarks.kit.load import LoadFailed, drive
from benchmarks.kit.markdown import table
from benchmarks.kit.servers import FLOOR, Server
from benchmarks.kit.workloads import Workload

BURST_SECONDS = 1  # wrk takes whole seconds
CONNECTIONS = 16
UPLOAD = b"u" * (64 * KIB)


def _row(
    name: str,
    title: str,
    expect: bytes | None = None,
    *,
    request: Request | None = None,
    wrk_makes_it: bool = False,
    needs: str = "",
) -> Workload:
    return Workload(
        name=name,
        title=title,
        app=APP,
        request=request or Request(target=f"/{name}"),
        expect=expect,
        connections=CONNECTIONS,
        wrk_makes_it=wrk_makes_it,
        needs=needs,
    )


def _messages(name: str, title: str, size: int) -> Workload:
    return Workload(
        name=name,
        title=title,
        tool="websocket",
        app=APP,
        connections=CONNECTIONS,
        request=Request(target="/ws"),
        message=size,
    )


ROWS = {
    one.name: one
    for one in (
        _row("hello", "raw hello", HELLO, request=Request(), wrk_makes_it=True),
        _row("suspends", "raw hello after one turn of the loop", HELLO),
        _row("starlette", "Starlette hello", HELLO, needs="starlette"),
        _row("fastapi", "FastAPI, JSON", needs="fastapi"),
        _row("fastapi-def", "FastAPI, JSON, a `def` handler", needs="fastapi"),
        _row(
            "echo", "64 KiB there and back", UPLOAD,
            request=Request(method="POST", target="/echo", body=UPLOAD),
        ),
        _row("chunks", "100 chunks of 1 KiB", asgi_app.CHUNK * asgi_app.CHUNKS),
        _row("large", "1 MiB", asgi_app.LARGE),
        _messages("ws-32", "a WebSocket message of 32 bytes there and back", 32),
        _messages("ws-64k", "a WebSocket message of 64 KiB there and back", 64 * KIB),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Burst:
    """cpu_us: of the process tree, a request."""

    cpu_us: float
    requests: int


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when a server cannot be measured."""
    options = _parser().parse_args(argv)
    servers = [SERVERS[name] for name in options.servers if SERVERS[name].installed]
    rows = [
        ROWS[name]
        for name in options.rows
        if not ROWS[name].needs or importlib.util.find_spec(ROWS[name].needs)
    ]
    for name, text in facts.environment().items():
        print(f"- {name}: {text}")
    found: dict[str, dict[str, list[Burst]]] = {}
    try:
        with tempfile.TemporaryDirectory(prefix="fastfork-bench-") as scratch:
            for row, bursts in _measured(servers, rows, options.rounds, Path(scratch)):
                found[row.name] = bursts
                print(f"\n## {row.name}: {row.title}\n\n{_report(bursts)}", flush=True)
    except (CannotStart, LoadFailed, ProcessLookupError) as error:
        print(error, file=sys.stderr)
        return 1
    if options.json:
        told = {
            row: {name: [asdict(one) for one in own] for name, own in bursts.items()}
            for row, bursts in found.items()
        }
        options.json.write_text(json.dumps(told, indent=1) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.asgi", description=__doc__)
    parser.add_argument("--servers", type=names_of(SERVERS), default=list(SERVERS))
    parser.add_argument("--rows", type=names_of(ROWS), default=list(ROWS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="file for every burst")
    return parser


def names_of(known: Mapping[str, object]) -> Callable[[str], list[str]]:
    """What reads a list of names that are known, with commas between them."""

    def names(text: str) -> list[str]:
        given = text.split(",")
        for name in given:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of: {', '.join(known)}")
        return given

    return names


def _measured(
    servers: list[Server], rows: list[Workload], rounds: int, scratch: Path
) -> Iterator[tuple[Workload, dict[str, list[Burst]]]]:
    """The bursts of each row by server, round by round."""
    core, load_core = cores()
    build_floor(scratch)
    build_ws_load(scratch)
    with ExitStack() as stack:
        up = dict(_started(servers, core, scratch, stack))
        affinity = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {load_core})
        stack.callback(os.sched_setaffinity, 0, affinity)
        for row in rows:
            # The floor answers hello, whatever it is asked, and echoes messages.
            asked = [n for n in up if n != FLOOR or row.expect == HELLO or row.message]
            names = [name for name in asked if _stands(row, name, up[name], load_core, scratch)]
            bursts: dict[str, list[Burst]] = {name: [] for name in names}
            for number in range(rounds):
                first = number % len(names)
                for name in (*names[first:], *names[:first]):
                    bursts[name].append(_burst(row, up[name], load_core, scratch))
            yield row, bursts


def _started(
    servers: list[Server], core: int, scratch: Path, stack: ExitStack
) -> Iterator[tuple[str, Running]]:
    for server in servers:
        try:
            yield server.name, stack.enter_context(running(server, ROWS["hello"], core, scratch))
        except CannotStart as error:
            print(f"{server.name} is left out: {error}", file=sys.stderr)


def _stands(row: Workload, name: str, it: Running, load_core: int, scratch: Path) -> bool:
    """Whether it serves the row; this warms it up."""
    try:
        _burst(row, it, load_core, scratch)
    except (LoadFailed, ProcessLookupError) as error:
        print(f"{row.name}: {name} is left out: {error}", file=sys.stderr)
        return False
    return True


def _burst(row: Workload, it: Running, load_core: int, scratch: Path) -> Burst:
    pids = processes.tree(it.root)
    cpu = processes.cpu_ns(pids)
    load = drive(row, it, BURST_SECONDS, load_core, scratch)
    cpu = processes.cpu_ns(pids) - cpu
    if load.errors:
        raise LoadFailed(f"{row.name}: {load.errors}")
    return Burst(cpu / 1e3 / max(1, load.requests), load.requests)


def _report(bursts: dict[str, list[Burst]]) -> str:
    base = FLOOR if FLOOR in bursts else "uvicorn" if "uvicorn" in bursts else next(iter(bursts))
    body = []
    for name, own in bursts.items():
        ratios = [a.cpu_us / b.cpu_us for a, b in zip(own, bursts[base], strict=True)]
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        cpu = statistics.median(one.cpu_us for one in own)
        requests = statistics.median(one.requests for one in own) / BURST_SECONDS
        body.append([name, f"{cpu:.1f}", ratio, f"{requests:.0f}"])
    return table(["server", "CPU µs/request", f"x {base}", "requests/s"], body)


if __name__ == "__main__":
    sys.exit(main())
