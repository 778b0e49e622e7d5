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
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.kit import facts
from benchmarks.kit.heads import KIB, Request
from benchmarks.kit.launch import CannotStart
from benchmarks.kit.load import LoadFailed
from benchmarks.kit.servers import Server
from benchmarks.kit.turns import Bursts, measured, names_of, report
from benchmarks.kit.workloads import Workload

REFERENCE = "nginx"
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


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when a server cannot be measured."""
    options = _parser().parse_args(argv)
    servers = [SERVERS[name] for name in options.servers if SERVERS[name].installed]
    for name, text in facts.environment().items():
        print(f"- {name}: {text}")
    found: dict[str, Bursts] = {}
    try:
        with tempfile.TemporaryDirectory(prefix="fastfork-bench-") as scratch:
            _make_files(Path(scratch))
            for row, bursts in measured(
                list(ROWS.values()), servers, options.rounds, Path(scratch), first=ROWS["small"]
            ):
                found[row.name] = bursts
                print(f"\n{report(row, bursts, REFERENCE)}", flush=True)
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
    parser.add_argument(
        "--servers", type=names_of(SERVERS), default=COMPARED, help=f"of {', '.join(SERVERS)}"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="file for every burst")
    return parser


def _make_files(scratch: Path) -> None:
    files = scratch / FILES
    files.mkdir()
    scratch.chmod(0o755)  # nginx's worker is another user where the master is root
    for name, data in (("small.js", SMALL), ("large.bin", LARGE)):
        (files / name).write_bytes(data)
        os.utime(files / name, (OLD, OLD))
    os.environ["BENCH_STATIC"] = str(files)


if __name__ == "__main__":
    sys.exit(main())
