"""What logging costs a request, the fast way and the slow ones: python -m benchmarks.logs

For each way of logging: instructions of the worker a request (callgrind, user space only), and
CPU microseconds a request of the process tree beside the floor (see measure.py), both with the
browser's request of 15 fields.  Each is shown with what it adds to a server without logs.

Noise: instructions repeat within 0.5 %.  Of CPU time, the least of --rounds rounds is printed;
compare within one run only.

Runs in: cli
"""

from __future__ import annotations

import argparse
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from benchmarks.floor.measure import Conditions, take
from benchmarks.instructions.callgrind import FEW, MANY, count, warm_up
from benchmarks.kit.heads import BROWSER
from benchmarks.kit.launch import CannotStart, build_floor
from benchmarks.kit.servers import SERVERS, Server
from benchmarks.kit.workloads import WORKLOADS

_FILE: Final = ("--access-logfile", "{log}")

# Way -> options.  SINK is a socket of ours that nobody reads: the kernel takes each datagram,
# and drops those that its buffer has no room for.
_SINK: Final = "SINK"
WAYS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "no logs": (),
        "access log": _FILE,
        "access log, JSON": (*_FILE, "--access-logformat", "json"),
        "access log, ids": (*_FILE, "--request-id"),
        "access log, 3 paths excluded": (
            *_FILE,
            *("--access-log-exclude", "/a", "--access-log-exclude", "/b"),
            *("--access-log-exclude", "/c/*"),
        ),
        "syslog": ("--log-syslog", "--log-syslog-to", f"udp://{_SINK}"),
        "statsd": ("--statsd-host", _SINK),
        "logger_class": (*_FILE, "--logger-class", "benchmarks.apps.own_logger.OwnLogger"),
        "logger_class, JSON": (
            *_FILE,
            *(
                "--logger-class",
                "benchmarks.apps.own_logger.OwnLogger",
                "--access-logformat",
                "json",
            ),
        ),
    }
)


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when a figure cannot be taken."""
    options = _parser().parse_args(argv)
    chosen = [name for name in WAYS if not options.ways or name in options.ways.split(";")]
    try:
        with (
            tempfile.TemporaryDirectory(prefix="fastfork-logs-") as place,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink,
        ):
            sink.bind(("127.0.0.1", 0))
            scratch = Path(place)
            servers = {way: _server(way, _address(sink)) for way in chosen}
            counted = {} if options.no_instructions else _instructions(servers, scratch)
            timed = {} if options.rounds == 0 else _cpu(servers, options, scratch)
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 1
    _print(chosen, counted, timed)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.logs", description=__doc__)
    parser.add_argument("--ways", default="", help=f"some, with ; between: {'; '.join(WAYS)}")
    parser.add_argument("--rounds", type=int, default=3, help="of CPU time; 0 = none")
    parser.add_argument("--turns", type=int, default=3, help="seconds of load a round")
    parser.add_argument("--cores", default="0,1", help="of the server and of the load")
    parser.add_argument("--no-instructions", action="store_true")
    return parser


def _address(sink: socket.socket) -> str:
    host, port = sink.getsockname()
    return f"{host}:{port}"


def _server(way: str, sink: str) -> Server:
    plain = SERVERS["fastfork-native"]
    options = (option.replace(_SINK, sink) for option in WAYS[way])
    return replace(plain, quiet=(*plain.quiet, *options))


def _instructions(servers: Mapping[str, Server], scratch: Path) -> dict[str, float]:
    found = {}
    for way, server in servers.items():
        warm_up(server, BROWSER, scratch)
        few, many = (count(server, BROWSER, number, scratch).total for number in (FEW, MANY))
        found[way] = (many - few) / (MANY - FEW)
    return found


def _cpu(
    servers: Mapping[str, Server], options: argparse.Namespace, scratch: Path
) -> dict[str, float]:
    """The ways take turns, so that a slow minute of the machine is every way's."""
    on, load = map(int, options.cores.split(","))
    build_floor(scratch)
    under = Conditions(turns=options.turns, cores=(on, load), scratch=scratch)
    found: dict[str, list[float]] = {way: [] for way in servers}
    for number in range(options.rounds):
        for way, server in servers.items():
            own, _ = take(server, WORKLOADS["browser"], number, under)
            if own.void:
                raise CannotStart(f"{way}: {own.void}")
            found[way].append(own.cpu_us)
    return {way: min(values) for way, values in found.items()}


def _print(ways: Sequence[str], counted: dict[str, float], timed: dict[str, float]) -> None:
    heads = (counted, f" {'instructions':>12} {'more':>8}"), (timed, f" {'CPU us':>8} {'more':>7}")
    print(" " * 30 + "".join(head for found, head in heads if found))
    for way in ways:
        line = f"{way:30}"
        if counted:
            line += f" {counted[way]:12,.0f} {counted[way] - counted[ways[0]]:+8,.0f}"
        if timed:
            line += f" {timed[way]:8.2f} {timed[way] - timed[ways[0]]:+7.2f}"
        print(line)


if __name__ == "__main__":
    sys.exit(main())
