"""Static files beside nginx and WhiteNoise: python -m benchmarks.static [--help].

As in benchmarks.together all servers are up at once, on one core, and each is driven for a second
in turn; a figure is compared with nginx's of the same round.  nginx has one worker, sendfile, and
no access log; gunicorn is gthread with one thread.

Runs in: cli
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.kit import facts, processes
from benchmarks.kit.heads import KIB, Request
from benchmarks.kit.launch import CannotStart, Running, cores, running
from benchmarks.kit.load import LoadFailed, drive
from benchmarks.kit.markdown import table
from benchmarks.kit.servers import Server
from benchmarks.kit.workloads import Workload

REFERENCE = "nginx"
BURST_SECONDS = 1  # wrk takes whole seconds
FILES = "files"  # in the scratch directory
OLD = 1_600_000_000  # seconds since 1970: a file that is young has a weak ETag

NGINX_CONF = """\
daemon off;
worker_processes 1;
pid {scratch}/nginx.pid;
error_log {scratch}/nginx.error.log warn;
events {{ worker_connections 1024; }}
http {{
    include {types};
    access_log off;
    sendfile on;
    keepalive_requests 1000000000;
    {temporary}
    server {{
        listen 127.0.0.1:{port};
        location /static/ {{ alias {scratch}/files/; {more} }}
    }}
}}
"""
TEMPORARY = ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")


@dataclass(frozen=True, kw_only=True)
class StaticServer(Server):
    """A server of the files in the scratch directory.  more: lines of nginx's location."""

    more: str = ""

    @property
    def installed(self) -> bool:
        """Whether it can be started here."""
        return super().installed and shutil.which(self.command[0]) is not None

    def argv(self, workload: Workload, port: int, scratch: Path) -> list[str]:
        """The command line; writes nginx's configuration."""
        values = {"port": str(port), "files": str(scratch / FILES), "scratch": str(scratch)}
        if self.command[0] == "nginx":
            values["config"] = str(scratch / f"{self.name}.conf")
            types = Path("/etc/nginx/mime.types")
            lines = [f"{name}_temp_path {scratch}/{name};" for name in TEMPORARY]
            text = NGINX_CONF.format(
                scratch=scratch, port=port, types=types, more=self.more, temporary=" ".join(lines)
            )
            Path(values["config"]).write_text(text)
        return [part.format_map(values) for part in self.command]


def _fastfork(name: str, *options: str) -> StaticServer:
    return StaticServer(
        name=name,
        module="fastfork",
        command=(
            *(sys.executable, "-m", "fastfork", "benchmarks.apps.plain:hello", "-w", "1"),
            *("-b", "127.0.0.1:{port}", "--static-path", "/static={files}"),
            *("--log-level", "warning", *options),
        ),
    )


_NGINX = ("nginx", "-p", "{scratch}", "-e", "{scratch}/nginx.error.log", "-c", "{config}")
SERVERS = {
    one.name: one
    for one in (
        StaticServer(name=REFERENCE, command=_NGINX),
        StaticServer(name="nginx-gzip_static", command=_NGINX, more="gzip_static on;"),
        _fastfork("fastfork"),
        _fastfork("fastfork-threads", "--threads", "4"),
        StaticServer(
            name="whitenoise-gthread",
            module="whitenoise",
            beside="gunicorn",
            command=(
                *(
                    sys.executable,
                    "-m",
                    "gunicorn",
                    "benchmarks.apps.whitenoise_app:app",
                    "-w",
                    "1",
                ),
                *("-k", "gthread", "-b", "127.0.0.1:{port}", "--log-level", "warning"),
                "--no-control-socket",
            ),
        ),
    )
}
COMPARED = tuple(SERVERS)


def _noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


SMALL, LARGE = _noise(4 * KIB), _noise(1024 * KIB)
ROWS = {
    one.name: one
    for one in (
        Workload(
            name="small", title="4 KiB", request=Request(target="/static/small.js"), expect=SMALL
        ),
        Workload(
            name="large", title="1 MiB", request=Request(target="/static/large.bin"), expect=LARGE
        ),
        Workload(
            name="again",
            title="4 KiB that has not changed: 304",
            request=Request(target="/static/small.js", fields=(("If-None-Match", "*"),)),
            expect=SMALL,
        ),
    )
}


@dataclass(frozen=True)
class Burst:
    """cpu_us: of the process tree, a request."""

    cpu_us: float
    requests: int


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when a server cannot be measured."""
    options = _parser().parse_args(argv)
    servers = [SERVERS[name] for name in options.servers if SERVERS[name].installed]
    for name, text in facts.environment().items():
        print(f"- {name}: {text}")
    found: dict[str, dict[str, list[Burst]]] = {}
    try:
        with tempfile.TemporaryDirectory(prefix="fastfork-bench-") as scratch:
            _make_files(Path(scratch))
            for row, bursts in _measured(servers, options.rounds, Path(scratch)):
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
    parser = argparse.ArgumentParser(prog="python -m benchmarks.static", description=__doc__)
    parser.add_argument("--servers", type=_names, default=COMPARED, help=f"of {', '.join(SERVERS)}")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="file for every burst")
    return parser


def _names(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in SERVERS:
            raise argparse.ArgumentTypeError(f"{name!r} is no server of this benchmark")
    return names


def _make_files(scratch: Path) -> None:
    files = scratch / FILES
    files.mkdir()
    scratch.chmod(0o755)  # nginx's worker is another user where the master is root
    for name, data in (("small.js", SMALL), ("large.bin", LARGE)):
        (files / name).write_bytes(data)
        os.utime(files / name, (OLD, OLD))
    os.environ["BENCH_STATIC"] = str(files)


def _measured(
    servers: list[StaticServer], rounds: int, scratch: Path
) -> Iterator[tuple[Workload, dict[str, list[Burst]]]]:
    """The bursts of each row by server, round by round."""
    core, load_core = cores()
    small = ROWS["small"]
    with ExitStack() as stack:
        up = {
            server.name: stack.enter_context(running(server, small, core, scratch))
            for server in servers
        }
        affinity = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {load_core})
        stack.callback(os.sched_setaffinity, 0, affinity)
        names = list(up)
        for row in ROWS.values():
            bursts: dict[str, list[Burst]] = {name: [] for name in names}
            for name in names:
                drive(row, up[name], BURST_SECONDS, load_core, scratch)  # to warm it up
            for number in range(rounds):
                first = number % len(names)
                for name in (*names[first:], *names[:first]):
                    bursts[name].append(_burst(row, up[name], load_core, scratch))
            yield row, bursts


def _burst(row: Workload, it: Running, load_core: int, scratch: Path) -> Burst:
    pids = processes.tree(it.root)
    cpu = processes.cpu_ns(pids)
    load = drive(row, it, BURST_SECONDS, load_core, scratch)
    cpu = processes.cpu_ns(pids) - cpu
    if load.errors:
        raise LoadFailed(f"{row.name}: {load.errors}")
    return Burst(cpu / 1e3 / max(1, load.requests), load.requests)


def _report(bursts: dict[str, list[Burst]]) -> str:
    base = bursts.get(REFERENCE)
    body = []
    for name, own in bursts.items():
        ratio = "-"
        if base:
            ratios = [a.cpu_us / b.cpu_us for a, b in zip(own, base, strict=True)]
            ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        cpu = statistics.median(one.cpu_us for one in own)
        requests = statistics.median(one.requests for one in own) / BURST_SECONDS
        body.append([name, f"{cpu:.1f}", ratio, f"{requests:.0f}"])
    return table(["server", "CPU µs/request", f"x {REFERENCE}", "requests/s"], body)


if __name__ == "__main__":
    sys.exit(main())
