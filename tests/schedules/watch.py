"""What must be the same after every schedule: processes, threads, descriptors, and a clean log.

Runs in: cli
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.apps.schedules import BLOCK, COUNTERS, GO, derived, mapped
from tests.kit import processes
from tests.kit.client import RawClient
from tests.kit.log import ALARMS
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

SETTLE = 20.0  # seconds until what clients left behind is over
HELD = 10.0  # seconds until a held request is in the application, or answered
TRACEBACK = "Traceback (most recent call last)"
PLANNED = re.compile(r"^(tests\.apps\.)?(schedules\.)?PlannedFailure: ", re.MULTILINE)
WARNING = re.compile(r"\b[A-Z]\w*Warning\b")


class Watch:
    """Looks at one server.  Every method raises AssertionError with what is wrong."""

    def __init__(
        self, server: RunningServer, directory: Path, threads: int, patience: float = 1.0
    ) -> None:
        self.server = server
        self.threads = threads
        self._settle, self._held = SETTLE * patience, HELD * patience
        self._directory = directory
        self._go = mapped(directory / "go", GO.size)
        self._probes = 0
        self._seen = 0  # bytes of the log that were looked at
        self.pids = server.worker_pids()
        assert len(self.pids) == server.workers, self.pids
        self._descriptors = {pid: len(processes.descriptors(pid)) for pid in self.pids}
        # Both are there from the first use on: the threads, and the files of the application.
        self.probe()
        self._descriptors = {pid: count + 1 for pid, count in self._descriptors.items()}
        self._tasks = {pid: _tasks(pid) for pid in self.pids}

    def settle(self) -> None:
        """Wait until nothing of the schedule is left, and see that nothing else is."""
        wait_until(self._is_over, lambda: f"every request ends: {self._counts()}", self._settle)
        self.probe()
        now = self.server.worker_pids()
        assert now == self.pids, f"workers {self.pids} became {now}"
        wait_until(self._no_more_open, self._what_is_open, self._settle)
        tasks = {pid: _tasks(pid) for pid in self.pids}
        # One more: the thread that sends what waits begins when something first waits, and with
        # the first thread of all one of ThreadSanitizer's.
        most = 2 if "TSAN_OPTIONS" in os.environ else 1
        extra = {pid: count - self._tasks[pid] for pid, count in tasks.items()}
        assert all(0 <= more <= most for more in extra.values()), (
            f"threads of each worker {self._tasks}: {tasks}"
        )
        self._read_log()

    def probe(self) -> None:
        """As many held requests as there are threads are in the application at once.

        One after another: each has to find a worker with a free thread while all before it
        are held.
        """
        self._probes += 1
        wanted = self.threads * self.server.workers
        clients: list[tuple[str, RawClient]] = []
        try:
            for number in range(wanted):
                token = f"probe-{self._probes}-{number}"
                client = RawClient(self.server.endpoint, timeout=self._held)
                clients.append((token, client))
                client.send_request("GET", f"/hold/{token}/{self._probes}")
                self._wait_for_held(number + 1, wanted)
            held = [numbers[2] for numbers in self._counts().values()]
            assert held == [self.threads] * self.server.workers, f"held by each: {held}"
        finally:
            self._go[:] = GO.pack(self._probes)
            try:
                for token, client in clients:
                    answer = client.read_response()
                    assert answer.body == derived(token, BLOCK), f"{token}: {answer}"
            finally:
                for _, client in clients:
                    client.close()
        wait_until(self._is_over, lambda: f"the probe ends: {self._counts()}", self._settle)

    def _wait_for_held(self, count: int, wanted: int) -> None:
        def said() -> str:
            return (
                f"{count} requests of {wanted} are held at once, with {self.threads} threads in "
                f"{self.server.workers} workers; (began, ended, held): {self._counts()}"
            )

        wait_until(
            lambda: sum(one[2] for one in self._counts().values()) >= count, said, self._held
        )

    def _counts(self) -> dict[str, tuple[int, int, int]]:
        """(began, ended, held) by pid."""
        found = {}
        for path in sorted(self._directory.glob("*.count")):
            began, ended, held = COUNTERS.unpack(path.read_bytes())
            found[path.stem] = (began, ended, held)
        return found

    def _is_over(self) -> bool:
        return all(began == ended and not held for began, ended, held in self._counts().values())

    def _no_more_open(self) -> bool:
        return all(len(processes.descriptors(pid)) <= self._descriptors[pid] for pid in self.pids)

    def _what_is_open(self) -> str:
        now = {pid: processes.descriptors(pid) for pid in self.pids}
        return f"each worker has open at most {self._descriptors}: {now}"

    def _read_log(self) -> None:
        """Every traceback is a planned one, and no line is worse than that."""
        text = self.server.log.text()
        new, self._seen = text[self._seen :], len(text)
        tracebacks, planned = new.count(TRACEBACK), len(PLANNED.findall(new))
        assert tracebacks == planned, f"{tracebacks} tracebacks in the log, {planned} planned"
        bad = [
            line
            for line in new.splitlines()
            if WARNING.search(line) or (ALARMS.search(line) and TRACEBACK not in line)
        ]
        assert not bad, f"in the log: {bad}"


def _tasks(pid: int) -> int:
    """Threads of a process, those of C included."""
    return len(os.listdir(f"/proc/{pid}/task"))
