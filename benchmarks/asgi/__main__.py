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
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.apps import asgi_app
from benchmarks.apps.plain import HELLO
from benchmarks.asgi.servers import APP, SERVERS
from benchmarks.kit import facts
from benchmarks.kit.heads import KIB, Request
from benchmarks.kit.launch import CannotStart, build_floor, build_ws_load
from benchmarks.kit.load import LoadFailed
from benchmarks.kit.servers import FLOOR
from benchmarks.kit.turns import Bursts, measured, names_of, report
from benchmarks.kit.workloads import Workload

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
    found: dict[str, Bursts] = {}
    try:
        with tempfile.TemporaryDirectory(prefix="fastfork-bench-") as scratch:
            build_floor(Path(scratch))
            build_ws_load(Path(scratch))
            for row, bursts in measured(
                rows,
                servers,
                options.rounds,
                Path(scratch),
                first=ROWS["hello"],
                is_asked=_is_asked,
                leaves_out=True,
            ):
                found[row.name] = bursts
                print(f"\n{report(row, bursts, _base(bursts))}", flush=True)
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


def _is_asked(row: Workload, name: str) -> bool:
    """The floor answers hello, whatever it is asked, and echoes messages."""
    return name != FLOOR or row.expect == HELLO or bool(row.message)


def _base(bursts: Bursts) -> str:
    """The server that the others are compared with."""
    return next((name for name in (FLOOR, "uvicorn") if name in bursts), next(iter(bursts), ""))


if __name__ == "__main__":
    sys.exit(main())
