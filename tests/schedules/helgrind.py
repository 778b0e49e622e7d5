"""Schedules on a server under helgrind: python -m tests.schedules.helgrind, or `make helgrind`.

helgrind reports CPython's own flags as races (helgrind.supp has those that we know), and what
happens in the application has frames of ours further out, as we called it.  So a report is ours
when one of its stacks is in our code first, libraries and the C API of Python left aside.

Runs in: cli
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.kit.programs import program
from tests.kit.server import Fleet
from tests.schedules.series import Series, run_series

SUPPRESSIONS = Path(__file__).with_name("helgrind.supp")
PATIENCE = 10.0  # times: so much slower at the most
SECONDS = 600.0
# "==12== " is before each line; a line of dashes begins a report.
PREFIX = re.compile(r"^==\d+== ?", re.MULTILINE)
DASHES = re.compile(r"^-{4,}.*$", re.MULTILINE)
FRAME = re.compile(r"^ +(?:at|by) 0x[0-9A-F]+: (?P<function>.*) \((?P<place>[^()]*)\)$")
REPORT = re.compile(r"Possible data race|lock order|^Thread #\d+: |Exiting thread", re.MULTILINE)
# Stacks that say where something comes from, not what was done to it.
ORIGIN = re.compile(r"first observed|alloc'd|Address 0x|was created|declared")
OURS = re.compile(r"(^|/)csrc/|/fastfork/_core/")
# From here on outwards it is the application's code, or the interpreter's own locking.
INTERPRETER = re.compile(r"_PyEval_|PyEval_|take_gil|drop_gil|SET_GIL|RESET_GIL|eval_frame")

Stack = list[tuple[str, str]]


def reports(text: str) -> list[str]:
    """The reports in a log of helgrind."""
    parts = DASHES.split(PREFIX.sub("", text))
    return [part.strip("\n") for part in parts if REPORT.search(part)]


def stacks(report: str) -> Iterator[Stack]:
    """What was done, as (function, place) each, the innermost frame first."""
    stack: Stack = []
    header = ""
    for line in [*report.splitlines(), ""]:
        found = FRAME.match(line)
        if found:
            stack.append((found["function"], found["place"]))
            continue
        if stack and not ORIGIN.search(header):
            yield stack
        stack, header = [], line or header


def is_ours(report: str) -> bool:
    """Whether our code did what it is about."""
    return any(_begins_with_ours(stack) for stack in stacks(report))


def _begins_with_ours(stack: Stack) -> bool:
    for function, place in stack:
        if OURS.search(place):
            return True
        if INTERPRETER.match(function):
            return False
    return False


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 for a report of ours, or a schedule that went wrong."""
    options = _parser().parse_args(argv)
    files = Path(tempfile.mkdtemp(prefix="fastfork-helgrind-"))
    fleet = Fleet(files)
    problem, played = "", 0
    try:
        played = run_series(_series(options, files), fleet.start, files)
        fleet.finish()
    except AssertionError as error:
        problem = str(error)
        print(f"FAILED\n{error}")
    finally:
        fleet.kill()
    found = [one for log in sorted(files.glob("helgrind.*")) for one in reports(log.read_text())]
    ours = [one for one in found if is_ours(one)]
    for one in ours:
        print(f"{'-' * 70}\n{one}")
    print(f"helgrind: {played} schedules, {len(ours)} reports of ours, {len(found)} in all")
    if ours or problem:
        print(f"files left in {files}")
        return 1
    shutil.rmtree(files)
    return 0


def _series(options: argparse.Namespace, files: Path) -> Series:
    # valgrind runs one thread at a time; --fair-sched: each gets its turn.
    through = [program("setarch"), "-R", program("valgrind"), "--tool=helgrind", "--fair-sched=yes"]
    through += ["--trace-children=yes", "--fullpath-after=", f"--log-file={files}/helgrind.%p"]
    through += [f"--suppressions={SUPPRESSIONS}"]
    return Series(
        threads=options.threads,
        workers=options.workers,
        first=options.seed,
        count=options.schedules,
        seconds=SECONDS,
        options=("--timeout", "600"),
        through=tuple(through),
        patience=PATIENCE,
        target="helgrind",
        # Its own allocator reuses memory without telling helgrind, which then sees old owners.
        env=(("PYTHONMALLOC", "malloc"),),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.schedules.helgrind", description=__doc__)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1, help="of the first schedule")
    parser.add_argument("--schedules", type=int, default=20)
    return parser


if __name__ == "__main__":
    sys.exit(main())
