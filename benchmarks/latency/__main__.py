"""Quick requests beside slow ones, beside other servers: python -m benchmarks.latency [--help].

Runs in: cli
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.kit import facts
from benchmarks.kit.launch import CannotStart, cores
from benchmarks.latency.plot import draw
from benchmarks.latency.report import LatencyRun, text
from benchmarks.latency.samples import Conditions, Sample, at, build_client, take
from benchmarks.latency.scenes import OURS, SCENES, Scene
from benchmarks.latency.threads import take_tax

ROUNDS_MOST = 50
SECONDS_MOST = 120.0
TAX = "tax"  # the name of what is not a scene


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when nothing could be measured, 3 when a target is not met."""
    options = _parser().parse_args(argv)
    scenes = [SCENES[name] for name in options.scenes if name != TAX]
    try:
        with tempfile.TemporaryDirectory(prefix="fastfork-latency-") as scratch:
            run = _measure(scenes, options, Path(scratch))
    except CannotStart as error:
        _say(str(error))
        return 1
    run.simulate()
    print(text(run))
    if options.json:
        options.json.write_text(json.dumps(run.as_json(), indent=1) + "\n")
    if options.plot:
        _plot(run, options.plot)
    return 0 if all(one.kept for one in run.targets()) and not _failed(run) else 3


def _failed(run: LatencyRun) -> list[Sample]:
    return [one for one in run.samples if one.void]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    known = [*SCENES, TAX]
    parser.add_argument(
        "--scenes", type=_names, default=known, help=f"some of {','.join(known)}; {TAX} is wrk"
    )
    parser.add_argument("--servers", type=lambda text: text.split(","), help="only these, by name")
    parser.add_argument("--rounds", type=int, default=3, help="of all servers, interleaved")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a sample, that count")
    parser.add_argument(
        "--first",
        action="store_true",
        help="servers come before everything else on their core (root): for a busy machine",
    )
    parser.add_argument("--json", type=Path, help="file for every figure")
    parser.add_argument("--plot", type=Path, help="NAME.png and NAME.svg")
    return parser


def _names(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in SCENES and name != TAX:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join([*SCENES, TAX])}")
    return names


def _measure(scenes: list[Scene], options: argparse.Namespace, scratch: Path) -> LatencyRun:
    rounds = min(max(1, options.rounds), ROUNDS_MOST)
    seconds = min(max(1.0, options.seconds), SECONDS_MOST)
    every = {name: one for scene in SCENES.values() for name, one in scene.servers().items()}
    wanted = set(options.servers or every)
    if unknown := wanted - set(every):
        raise CannotStart(f"--servers: {sorted(unknown)} are none of {', '.join(every)}")
    run = LatencyRun(
        facts=facts.environment(),
        versions={},
        rounds=rounds,
        seconds=seconds,
        first=options.first,
        left_out=sorted(name for name in wanted if not every[name].installed),
    )
    taking_part = wanted - set(run.left_out)
    versions = facts.versions(one for name, one in every.items() if name in taking_part)
    run.versions = {OURS: every[OURS].version} | versions
    build_client(scratch)
    under = Conditions(seconds, cores(), scratch, options.first)
    os.sched_setaffinity(0, {under.cores[1]})  # this process too stays away from the servers
    for number in range(1, rounds + 1):
        for scene in scenes:
            _round(run, scene, taking_part, number, under)
    if TAX in options.scenes and OURS in wanted:
        _say("plain on 1 and on 8 threads")
        run.tax = take_tax(rounds, max(2, round(seconds)), under)
    return run


def _round(
    run: LatencyRun, scene: Scene, taking_part: set[str], number: int, under: Conditions
) -> None:
    """Every server once; they move up one place a round."""
    servers = [one for name, one in scene.servers().items() if name in taking_part]
    shift = number % max(1, len(servers))
    for server in servers[shift:] + servers[:shift]:
        sample = take(scene, server, number, under)
        run.samples.append(sample)
        p50, p99 = at(sample.instant, 0.5), at(sample.instant, 0.99)
        told = sample.void or f"p50 {p50:.2f} ms, p99 {p99:.2f} ms, {sample.cpu_us:.1f} µs"
        _say(f"round {number}, {scene.name}, {server.name}: {told}")


def _plot(run: LatencyRun, base: Path) -> None:
    try:
        for path in draw(run, base):
            _say(f"wrote {path}")
    except (ImportError, ValueError) as error:
        _say(f"no plot: {error}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
