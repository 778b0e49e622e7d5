"""Instructions a request, against a committed baseline: python -m benchmarks.instructions.

Two runs that differ only in the number of requests: the difference is free of start and
end.  It repeats within 0.5 %, so CI can hold it to 3 %.  Counts user space only: system calls
do not show.

A baseline holds for a minor version of Python on an architecture, whatever the machine, since
instructions do not depend on its speed or load.  What they do depend on is stored beside it
and named when it differs: how Python was built (most of a request is the interpreter's), the C
library, which chooses its string functions by the features of the processor, and valgrind,
which decides what features the program gets to see.

Runs in: cli
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.asgi.servers import SERVERS as ASGI_SERVERS
from benchmarks.instructions.callgrind import FEW, MANY, count, warm_up
from benchmarks.kit.heads import BROWSER, PLAIN, STRANGER
from benchmarks.kit.launch import CannotStart
from benchmarks.kit.servers import SERVERS as WSGI_SERVERS

BASELINE = Path(__file__).with_name("baseline.json")
MOST_RISE = 0.03
# Where CI has to have a baseline: without one its check would pass whatever happens.
CI_MACHINE = "x86_64"
SERVERS = {**WSGI_SERVERS, "fastfork-asgi": ASGI_SERVERS["fastfork"]}
REQUESTS = {"plain": PLAIN, "browser": BROWSER, "strangers": STRANGER}
HOW_TO_UPDATE = "make instructions ARGS=--update writes one"


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when a figure rose too much, could not be taken, or has nothing
    to be held against in CI."""
    options = _parser().parse_args(argv)
    stored = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    entry = stored.get(_platform(), {})
    before: dict[str, int] = entry.get("instructions", {})
    if not before and not options.update and _must_have_baseline():
        # Said before counting, which takes minutes.
        print(f"no baseline for {_platform()}, and CI needs one; {HOW_TO_UPDATE}", file=sys.stderr)
        return 1
    try:
        found = {
            f"{server} {name}": _per_request(server, name, options)
            for server in options.servers.split(",")
            for name in REQUESTS
        }
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 1
    _print(found, before)
    if options.update:
        new = before | {name: round(value) for name, value in found.items()}
        stored[_platform()] = {"instructions": new, "taken_with": _taken_with()}
        BASELINE.write_text(json.dumps(stored, indent=2, sort_keys=True) + "\n")
        return 0
    _print_differences(entry.get("taken_with", {}))
    return _judge(found, before)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions", description=__doc__)
    parser.add_argument(
        "--servers",
        default="fastfork-httptools,fastfork-native,fastfork-asgi",
        help="of those of benchmarks.run; others than fastfork for comparison",
    )
    parser.add_argument("--update", action="store_true", help="make these the baseline")
    parser.add_argument("--top", type=int, default=0, help="also show the N dearest functions")
    return parser


def _platform() -> str:
    """What a baseline holds for: the interpreter's own instructions are most of a request."""
    version = ".".join(platform.python_version_tuple()[:2])
    return f"{platform.python_implementation()} {version} {platform.machine()}"


def _must_have_baseline() -> bool:
    return bool(os.environ.get("CI")) and platform.machine() == CI_MACHINE


def _taken_with() -> dict[str, str]:
    """What else moves the figures, see above."""
    valgrind = subprocess.run(["valgrind", "--version"], capture_output=True, text=True)
    options = sysconfig.get_config_var("CONFIG_ARGS") or ""
    return {
        "python": platform.python_version(),
        "profiled python": "yes" if "--enable-optimizations" in options else "no",
        "compiler of python": platform.python_compiler(),
        "C library": " ".join(platform.libc_ver()),
        "valgrind": valgrind.stdout.strip(),
    }


def _per_request(server: str, name: str, options: argparse.Namespace) -> float:
    wanted = bool(options.top)
    with tempfile.TemporaryDirectory(prefix="fastfork-callgrind-") as place:
        scratch = Path(place)
        warm_up(SERVERS[server], REQUESTS[name], scratch)
        few = count(SERVERS[server], REQUESTS[name], FEW, scratch, functions=wanted)
        many = count(SERVERS[server], REQUESTS[name], MANY, scratch, functions=wanted)
    if wanted:
        _print_top(f"{server} {name}", few.by_function, many.by_function, options.top)
    return (many.total - few.total) / (MANY - FEW)


def _print_top(title: str, few: Counter[str], many: Counter[str], most: int) -> None:
    print(f"{title}: instructions a request, by function")
    each = {name: (many[name] - few[name]) / (MANY - FEW) for name in many}
    shown = sorted(each, key=lambda name: -each[name])[:most]
    for name in shown:
        print(f"  {each[name]:8.0f}  {name}")
    rest = sum(each.values()) - sum(each[name] for name in shown)
    print(f"  {rest:8.0f}  in {len(each) - len(shown)} others")


def _print(found: dict[str, float], before: dict[str, int]) -> None:
    print(f"instructions a request, {_platform()}")
    for name, value in found.items():
        old = before.get(name)
        change = f"{value / old - 1:+.1%} over {old:,.0f}" if old else "no baseline"
        print(f"  {name:28} {value:10,.0f}  {change}")


def _print_differences(baseline: dict[str, str]) -> None:
    here = _taken_with()
    for name in sorted(baseline.keys() & here.keys()):
        if baseline[name] != here[name]:
            print(f"  {name}: {here[name]} here, {baseline[name]} for the baseline")


def _judge(found: dict[str, float], before: dict[str, int]) -> int:
    risen = [name for name in found.keys() & before if found[name] > before[name] * (1 + MOST_RISE)]
    for name in sorted(risen):
        print(f"{name} rose by more than {MOST_RISE:.0%}; --update accepts it")
    missing = sorted(found.keys() - before)
    if missing:
        print(f"no baseline for {', '.join(missing)} ({_platform()}); {HOW_TO_UPDATE}")
    return 1 if risen or (missing and _must_have_baseline()) else 0


if __name__ == "__main__":
    sys.exit(main())
