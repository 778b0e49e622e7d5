"""A Django project with LOGGING whose logs are rotated all the time, while it is reloaded.

`make rotation` goes on for five minutes each; `make test` for a few seconds.

Runs in: cli
"""

from __future__ import annotations

import collections
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.programs import library
from tests.kit.server import RunningServer
from tests.kit.traffic import Traffic
from tests.kit.waiting import wait_until

APP = "django_logging:app"
# make rotation sets it.
SECONDS = float(os.environ.get("FASTFORK_ROTATION", "4"))
ROTATE_EVERY = 0.2  # seconds
RELOAD_EVERY = 2.0  # seconds
LOGS = ("server.log", "access.log")
WAYS = {
    "threads, preload": ["--threads", "4", "--preload"],
    "one thread": [],
    "gevent": ["-k", "gevent"],
}

pytestmark = [pytest.mark.timeout(150 + 2 * SECONDS), pytest.mark.slow]


class Repeating(threading.Thread):
    """Calls `step` with 1, 2, ... every so many seconds, until it is told that it is over."""

    def __init__(self, step: Callable[[int], object], every: float) -> None:
        super().__init__()
        self.times = 0
        self._step = step
        self._every = every
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(self._every):
            self.times += 1
            self._step(self.times)

    def end(self) -> None:
        """Stop, and wait for the last step."""
        self._over.set()
        self.join()


def rotate(server: RunningServer, number: int) -> None:
    """As logrotate does: move the files away, then send USR1."""
    for name in LOGS:
        path = server.files / name
        if path.exists():  # the server has taken up the last one
            path.rename(server.files / f"{name}.{number}")
    server.signal("reopen")


def lines_with(files: Path, name: str, pattern: str) -> collections.Counter[str]:
    """How often each serial number is in the files of one log."""
    found: collections.Counter[str] = collections.Counter()
    for path in files.glob(f"{name}*"):
        found.update(re.findall(pattern, path.read_text(errors="backslashreplace")))
    return found


@pytest.mark.parametrize("way", WAYS)
def test_rotation_and_reloads_lose_no_request_and_no_line(start_server: Starter, way: str) -> None:
    library("django")
    if way == "gevent":
        library("gevent")
    server = start_server(
        APP, *WAYS[way], "--error-logfile", LOGS[0], "--access-logfile", LOGS[1],
        "--access-logformat", "asked %(U)s.", "--graceful-timeout", "60", "--keep-alive", "30",
        workers=2,
    )  # fmt: skip
    endpoint = server.endpoint
    repeating = (
        Repeating(lambda number: rotate(server, number), ROTATE_EVERY),
        Repeating(lambda _number: server.signal("reload"), RELOAD_EVERY),
    )
    with Traffic(lambda: endpoint) as traffic:
        for one in repeating:
            one.start()
        until = time.monotonic() + SECONDS
        wait_until(lambda: time.monotonic() > until, "the end of the time", SECONDS + 60)
        for one in repeating:
            one.end()
    report = traffic.report
    server.signal("stop")
    assert server.wait_exit(60) == 0
    asked = lines_with(server.files, LOGS[1], r"asked /\w+/([\d-]+)\.")
    logged = lines_with(server.files, LOGS[0], r"logged ([\d-]+)\.")
    told = lines_with(server.files, LOGS[0], r"told ([\d-]+)\.")
    print(
        f"{way}: {report.answered} answered, {len(report.lost)} lost; lines: {asked.total()} of "
        f"the access log, {logged.total()} and {told.total()} of the application; "
        f"{repeating[0].times} rotations, {repeating[1].times} reloads in {SECONDS:g} s"
    )
    assert [*report.lost, *report.resets, *report.refused] == []
    for found in (asked, logged, told):
        assert found.total() == len(found) == report.answered
    endings = lines_with(server.files, LOGS[0], r"exited with code (\d+)")
    assert not endings
