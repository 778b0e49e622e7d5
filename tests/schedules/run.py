"""A thousand random schedules: python -m tests.schedules.run [--help], or `make schedules`.

Runs in: cli
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.kit.server import Fleet
from tests.schedules.plan import THREADS, WORKERS
from tests.schedules.series import Series, run_series


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when anything went wrong."""
    options = _parser().parse_args(argv)
    shapes = [(threads, workers) for threads in options.threads for workers in options.workers]
    each = -(-options.schedules // len(shapes))
    began, failed = time.monotonic(), 0
    for threads, workers in shapes:
        series = Series(
            threads=threads,
            workers=workers,
            first=options.seed,
            count=each,
            seconds=options.seconds / len(shapes),
            dev=options.dev,
            options=tuple(options.option),
            patience=options.patience,
        )
        failed += not _run(series)
    taken = time.monotonic() - began
    print(f"schedules: {len(shapes) - failed} of {len(shapes)} series passed, {taken:.0f} s")
    return 1 if failed else 0


def _run(series: Series) -> bool:
    name = f"threads {series.threads}, workers {series.workers}{', -X dev' * series.dev}"
    files = Path(tempfile.mkdtemp(prefix="fastfork-schedules-"))
    fleet, began = Fleet(files), time.monotonic()
    try:
        played = run_series(series, fleet.start, files)
        fleet.finish()
    except AssertionError as error:
        print(f"FAILED  {name}\n{error}\nfiles left in {files}", flush=True)
        fleet.kill()
        return False
    except BaseException:
        fleet.kill()
        raise
    shutil.rmtree(files)
    print(f"passed  {name}: {played} schedules in {time.monotonic() - began:.0f} s", flush=True)
    return True


def _numbers(text: str) -> list[int]:
    numbers = [int(word) for word in text.split(",")]
    if min(numbers) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: give numbers, each 1 or more")
    return numbers


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.schedules.run", description=__doc__)
    parser.add_argument("--threads", type=_numbers, default=list(THREADS), help="such as 2,4,16")
    parser.add_argument("--workers", type=_numbers, default=list(WORKERS), help="such as 1,4")
    parser.add_argument("--seed", type=int, default=1, help="of the first schedule")
    parser.add_argument(
        "--schedules", type=int, default=1000, help="in all, divided between the shapes"
    )
    parser.add_argument("--seconds", type=float, default=3600.0, help="begin none after so many")
    parser.add_argument("--patience", type=float, default=1.0, help="deadlines times this")
    parser.add_argument("--dev", action="store_true", help="as with -X dev; warnings are failures")
    parser.add_argument(
        "--option", action="append", default=[], help="of the server, such as --option=--preload"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
