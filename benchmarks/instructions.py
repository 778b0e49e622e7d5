"""Instructions a request, against a committed baseline: python -m benchmarks.instructions.

Two runs that differ only in the number of requests: the difference is free of start and
end.  It repeats within 0.5 % on any machine with the same Python, so CI can hold it to
3 %.  Counts user space only: system calls do not show.

Runs in: cli
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.callgrind import count, warm_up
from benchmarks.heads import BROWSER, PLAIN
from benchmarks.launch import CannotStart
from benchmarks.servers import SERVERS

BASELINE = Path(__file__).with_name("instructions_baseline.json")
MOST_RISE = 0.03
REQUESTS = {"plain": PLAIN, "browser": BROWSER}
# Enough that timers and the odd resize of a cache are below 0.1 %.
FEW, MANY = 1_000, 11_000


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when a figure rose too much or could not be taken."""
    options = _parser().parse_args(argv)
    try:
        found = {
            f"{server} {name}": _per_request(server, name, options)
            for server in options.servers.split(",")
            for name in REQUESTS
        }
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 1
    stored = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    before = stored.get(_platform(), {})
    _print(found, before)
    if options.update:
        stored[_platform()] = before | {name: round(value) for name, value in found.items()}
        BASELINE.write_text(json.dumps(stored, indent=2, sort_keys=True) + "\n")
        return 0
    return _judge(found, before)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions", description=__doc__)
    parser.add_argument(
        "--servers",
        default="fastfork-httptools,fastfork-native",
        help="of those of benchmarks.run; others than fastfork for comparison",
    )
    parser.add_argument("--update", action="store_true", help="make these the baseline")
    parser.add_argument("--top", type=int, default=0, help="also show the N dearest functions")
    return parser


def _platform() -> str:
    """What a baseline holds for: the interpreter's own instructions are most of a request."""
    version = ".".join(platform.python_version_tuple()[:2])
    return f"{platform.python_implementation()} {version} {platform.machine()}"


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


def _print(found: dict[str, float], before: dict[str, float]) -> None:
    print(f"instructions a request, {_platform()}")
    for name, value in found.items():
        old = before.get(name)
        change = f"{value / old - 1:+.1%} over {old:,.0f}" if old else "no baseline"
        print(f"  {name:28} {value:10,.0f}  {change}")


def _judge(found: dict[str, float], before: dict[str, float]) -> int:
    if not before:
        print(f"no baseline for {_platform()}; --update writes one")
    risen = [
        name for name, value in found.items() if value > before.get(name, value) * (1 + MOST_RISE)
    ]
    for name in risen:
        print(f"{name} rose by more than {MOST_RISE:.0%}; --update accepts it")
    return 1 if risen else 0


if __name__ == "__main__":
    sys.exit(main())
