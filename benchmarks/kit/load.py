"""The load generators: run wrk, ab or our paced client for a while, read what they report.

Runs in: cli
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.kit import processes
from benchmarks.kit.launch import Running, on_core
from benchmarks.kit.servers import ROOT, WS_LOAD
from benchmarks.kit.workloads import CONNECTIONS, Workload

_LUA = Path(__file__).with_name("load.lua")
# Seconds that a load may take beyond its own duration before it is given up.
_GRACE = 30.0
# ab leaves one connection in TIME_WAIT a request, for 60 s.  Some 28,000 ephemeral ports
# and net.ipv4.tcp_max_tw_buckets (131072 here) bound what may pile up.
AB_REQUESTS = 2_000
_MOST_TIME_WAIT = 100_000


class LoadFailed(Exception):
    """The load generator ended badly; the text says how."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What the load generator saw.  Times in seconds and milliseconds.

    errors: what kept a request from a good answer, by kind; empty when all was well.
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: dict[str, int]


def drive(workload: Workload, server: Running, seconds: float, core: int, scratch: Path) -> Load:
    """Load `server` from `core` for about `seconds`.  Raises LoadFailed."""
    if workload.tool == "ab":
        return _ab(server, seconds, core, scratch)
    if workload.tool == "paced":
        return _paced(workload, server, seconds, core)
    if workload.tool == "websocket":
        return _websocket(workload, server, seconds, core, scratch)
    return _wrk(workload, server, seconds, core, scratch)


def _wrk(workload: Workload, server: Running, seconds: float, core: int, scratch: Path) -> Load:
    command = ["wrk", "-t", "1", "-c", str(workload.connections)]
    command += ["-d", f"{max(1, round(seconds))}s", "--latency", "--timeout", "10s"]
    command += ["-s", str(_LUA), server.url, "--"]
    if not workload.wrk_makes_it:
        request = scratch / "request"
        sent = [one.wire(server.host) for one in workload.requests or (workload.request,)]
        request.write_bytes(b"\0".join(sent))
        command.append(str(request))
    return _said(_run(command, seconds, core))


def _paced(workload: Workload, server: Running, seconds: float, core: int) -> Load:
    command = [sys.executable, "-m", "benchmarks.kit.paced", str(server.port), str(workload.rate)]
    command += [str(seconds), str(workload.connections)]
    return _said(_run(command, seconds, core))


def _websocket(
    workload: Workload, server: Running, seconds: float, core: int, scratch: Path
) -> Load:
    command = [str(scratch / WS_LOAD), str(server.port), workload.request.target]
    command += [str(workload.connections), str(seconds), str(workload.message)]
    return _said(_run(command, seconds, core))


def _said(text: str) -> Load:
    """What the last line tells, which is JSON: see load.lua."""
    said = json.loads(text.splitlines()[-1])
    return Load(
        requests=said["requests"],
        seconds=said["duration_us"] / 1e6,
        p50_ms=said["p50_us"] / 1e3,
        p99_ms=said["p99_us"] / 1e3,
        errors={kind: count for kind, count in said["errors"].items() if count},
    )


def _ab(server: Running, seconds: float, core: int, scratch: Path) -> Load:
    _wait_for_time_wait()
    percentiles = scratch / "ab.csv"
    # -n after -t: -t alone means 50,000 requests.
    command = ["ab", "-q", "-r", "-l", "-t", str(max(1, round(seconds))), "-n", str(AB_REQUESTS)]
    command += ["-c", str(CONNECTIONS), "-e", str(percentiles), f"http://{server.host}/"]
    text = _run(command, seconds, core)
    times = dict(line.split(",") for line in percentiles.read_text().splitlines()[1:])
    errors = {
        kind: round(_number(text, label))
        for kind, label in (("failed", "Failed requests"), ("status", "Non-2xx responses"))
    }
    return Load(
        requests=round(_number(text, "Complete requests")),
        seconds=_number(text, "Time taken for tests"),
        p50_ms=float(times["50"]),
        p99_ms=float(times["99"]),
        errors={kind: count for kind, count in errors.items() if count},
    )


def _number(text: str, label: str) -> float:
    """The number behind `label:` in ab's report; 0 when it is not there."""
    found = re.search(rf"^{label}:\s+([0-9.]+)", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def _wait_for_time_wait() -> None:
    deadline = time.monotonic() + 60
    while processes.time_wait_sockets() > _MOST_TIME_WAIT and time.monotonic() < deadline:
        time.sleep(1)


def _run(command: list[str], seconds: float, core: int) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
            timeout=seconds + _GRACE,
            preexec_fn=partial(on_core, core),
        )
    except FileNotFoundError:
        raise LoadFailed(f"{command[0]} is not installed (apt install wrk apache2-utils)") from None
    except subprocess.TimeoutExpired:
        raise LoadFailed(f"{command[0]} did not end within {seconds + _GRACE:.0f} s") from None
    except subprocess.CalledProcessError as error:
        raise LoadFailed(f"{command[0]}: {(error.stderr or error.stdout)[-300:]}") from error
    return done.stdout
