"""Where and with what a run was made: without this a figure means nothing.

Runs in: cli
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.kit.servers import ROOT, Server


def environment() -> dict[str, str]:
    """Facts by name, each a short text; what cannot be found out is left out."""
    found = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": f"{os.cpu_count()} x {_cpu_model()}",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "wrk": _first_match(["wrk", "-v"], r"wrk (\S+)"),
        "ab": _first_match(["ab", "-V"], r"Version (\S+)"),
        "cc": _first_match(["cc", "--version"], r"^(.+)$"),
        "commit": _first_match(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], r"(\w+)"),
    }
    return {name: text for name, text in found.items() if text}


def versions(servers: Iterable[Server]) -> dict[str, str]:
    """Version of each server that has one."""
    return {server.name: server.version for server in servers if server.version}


def _cpu_model() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _first_match(command: list[str], pattern: str) -> str:
    """The first group of `pattern` in what the command says, "" when it says no such thing."""
    try:
        # wrk -v ends with 1, git without a commit with 128: the text decides.
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(pattern, done.stdout, re.MULTILINE)
    return found[1] if found else ""
