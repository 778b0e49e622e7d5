"""Many schedules against one server, whose state is looked at after each.

Runs in: cli
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import Starter
from tests.kit.server import RunningServer
from tests.schedules.plan import Schedule, schedule
from tests.schedules.play import play
from tests.schedules.watch import PLANNED, Watch

SHOWN = 80  # lines of the server's log


@dataclass(frozen=True)
class Series:
    """Seeds `first` to `first + count - 1`.  seconds: no third schedule begins after so many, nor
    any behind it.

    dev: the server runs as with -X dev, and a warning in its log is a failure.
    options, through, env: of the server (tests/kit/server.py).  patience: all deadlines times this.
    target: of the Makefile, which plays it.
    """

    threads: int
    workers: int
    first: int
    count: int
    seconds: float
    dev: bool = False
    options: tuple[str, ...] = ()
    through: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    patience: float = 1.0
    target: str = "schedules"

    def command(self, seed: int) -> str:
        """What repeats just one schedule."""
        arguments = f"--threads {self.threads} --workers {self.workers} --seed {seed} --schedules 1"
        arguments += " --dev" * self.dev
        if not self.through:  # those belong to the target then
            arguments += f" --patience {self.patience:g}" * (self.patience != 1)
            arguments += "".join(f" --option={option}" for option in self.options)
        return f'make {self.target} ARGS="{arguments}"'


class ScheduleFailed(AssertionError):
    """The text has everything: what, the schedule, the log, the command."""


def run_series(
    series: Series, start: Starter, files: Path, say: Callable[[str], None] = lambda _text: None
) -> int:
    """Play them all; how many that were.  Raises ScheduleFailed at the first that goes wrong."""
    directory = files / f"counts-{series.threads}-{series.workers}"
    directory.mkdir()
    server = _start(series, start, directory)
    watch = Watch(server, directory, series.threads, series.patience)
    server.note_descriptors()  # again: every worker has opened its file of counts
    began, played = time.monotonic(), 0
    for seed in range(series.first, series.first + series.count):
        if played > 1 and time.monotonic() - began > series.seconds:
            break
        one = schedule(seed, series.threads, series.workers)
        problems = _problems(one, server, watch, series.patience)
        if problems:
            raise ScheduleFailed(_report(series, one, problems, server))
        played += 1
        say(f"{played} of {series.count}")
    if PLANNED.search(server.log.text()):
        server.expect_alarm("PlannedFailure")
    return played


def _start(series: Series, start: Starter, directory: Path) -> RunningServer:
    env = {"SCHEDULES_DIR": str(directory), "SCHEDULES_THREADS": str(series.threads)}
    env |= dict(series.env)
    if series.dev:
        env["PYTHONDEVMODE"] = "1"
    return start(
        "schedules:app",
        *("--threads", str(series.threads), "--keep-alive", "30", "--log-level", "info"),
        *series.options,
        workers=series.workers,
        env=env,
        through=series.through,
    )


def _problems(one: Schedule, server: RunningServer, watch: Watch, patience: float) -> list[str]:
    problems = play(one, server.endpoint, patience)
    try:
        watch.settle()
    except (AssertionError, OSError) as error:
        problems.append(f"afterwards: {type(error).__name__}: {error}")
    return problems


def _report(series: Series, one: Schedule, problems: list[str], server: RunningServer) -> str:
    log = server.log.text().splitlines()
    return "\n".join(
        [
            f"{len(problems)} things went wrong in this schedule:",
            *(f"* {problem[:2000]}" for problem in problems),
            "",
            str(one),
            "",
            f"the last {SHOWN} lines of {len(log)} of the server's log:",
            *log[-SHOWN:],
            "",
            f"to repeat it alone: {series.command(one.seed)}",
        ]
    )
