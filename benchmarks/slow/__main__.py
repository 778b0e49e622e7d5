"""Slow clients beside other servers: python -m benchmarks.slow [--help].

Runs in: cli
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.kit import facts
from benchmarks.kit.launch import CannotStart, build_certificate, cores
from benchmarks.slow.phases import Conditions, take_phase
from benchmarks.slow.report import page
from benchmarks.slow.run import SlowRun
from benchmarks.slow.servers import OURS, SLOW_SERVERS
from benchmarks.slow.starved import take_heads, take_silent, take_starved


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when nothing could be measured, 3 when a target is missed."""
    options = _parser().parse_args(argv)
    servers = [SLOW_SERVERS[name] for name in options.servers if SLOW_SERVERS[name].installed]
    for name in options.servers:
        if not SLOW_SERVERS[name].installed:
            _say(f"not installed, left out: {name}")
    run = SlowRun(
        facts=facts.environment(),
        versions={OURS: SLOW_SERVERS[OURS].version, **facts.versions(servers)},
        seconds=options.seconds,
        first=options.first,
    )
    try:
        with tempfile.TemporaryDirectory(prefix="fastfork-slow-") as scratch:
            _measure(run, options, Path(scratch))
    except CannotStart as error:
        _say(str(error))
        return 1
    _write(run, options)
    return 0 if all(target.kept for target in run.targets) else 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slow", description=__doc__)
    known = ", ".join(SLOW_SERVERS)
    parser.add_argument(
        "--servers", type=_names, default=list(SLOW_SERVERS), help=f"some of {known}"
    )
    parser.add_argument("--clients", type=_counts, default=[300, 3000], help="slow clients")
    parser.add_argument(
        "--heads",
        type=int,
        default=10_000,
        help="half-sent heads, and silent connections; 0 = none of this",
    )
    parser.add_argument("--seconds", type=float, default=75.0, help="a phase lasts at most")
    parser.add_argument(
        "--first",
        action="store_true",
        help="servers come before everything else on their core (root): for a busy machine",
    )
    parser.add_argument("--json", type=Path, help="file for every figure")
    parser.add_argument("--markdown", type=Path, help="file for the page")
    return parser


def _measure(run: SlowRun, options: argparse.Namespace, scratch: Path) -> None:
    under = Conditions(cores(), scratch, options.first)
    build_certificate(scratch)
    os.sched_setaffinity(0, {under.cores[1]})  # this process too stays away from the servers
    if options.heads:
        run.heads = take_heads(options.heads, under)
        _say(f"{options.heads} heads: {dataclasses.asdict(run.heads)}")
        run.silent = take_silent(options.heads, under)
        _say(f"{options.heads} silent: {dataclasses.asdict(run.silent)}")
        run.starved = take_starved(under)
        _say(f"descriptors: {dataclasses.asdict(run.starved)}")
    for clients in options.clients:
        for name in options.servers:
            if not SLOW_SERVERS[name].installed:
                continue
            phase = take_phase(SLOW_SERVERS[name], clients, options.seconds, under)
            run.phases.append(phase)
            _say(f"{clients} clients, {name}: {phase.void or phase.quick} {phase.ended}")


def _write(run: SlowRun, options: argparse.Namespace) -> None:
    kept = run.targets
    for target in kept:
        print(f"{'PASS' if target.kept else 'FAIL'}  {target.text}: {target.found}")
    missed = sum(not target.kept for target in kept)
    print(f"slow: {len(kept) - missed} of {len(kept)} targets met, {'FAIL' if missed else 'PASS'}")
    if options.json:
        kept_json = [dataclasses.asdict(target) for target in kept]
        data = {**dataclasses.asdict(run), "targets": kept_json}
        options.json.write_text(json.dumps(data, indent=1) + "\n")
    if options.markdown:
        options.markdown.parent.mkdir(parents=True, exist_ok=True)
        options.markdown.write_text(page(run))


def _names(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in SLOW_SERVERS:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(SLOW_SERVERS)}")
    return names


def _counts(text: str) -> list[int]:
    counts = [int(word) for word in text.split(",")]
    if min(counts) < 3:
        raise argparse.ArgumentTypeError(f"{text!r}: give numbers, each 3 or more")
    return counts


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
