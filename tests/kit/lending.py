"""Servers that the tests of a module share: to start and to stop one takes longer than most tests.

For tests that leave a server as they found it, which is checked after each of them.

Runs in: cli
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kit.server import Fleet, RunningServer


@dataclass
class Lent:
    """One server, and the workers that it has had since its start."""

    fleet: Fleet
    server: RunningServer
    workers: list[int]


class Lender:
    """Starts each server that is asked for once, and ends all of them at the end of the module.

    One that a test has spoilt is ended at once: the next test that asks gets a new one.
    """

    def __init__(self) -> None:
        self.files = Path(tempfile.mkdtemp(prefix="fastfork-test-"))
        self.must_stay = False
        self._lent: dict[str, Lent] = {}
        self._used: set[str] = set()
        self._count = 0

    def lend(self, app: str, *options: str, **keywords: Any) -> RunningServer:
        """The server that `Fleet.start` starts with these arguments."""
        key = repr((app, options, sorted(keywords.items())))
        self._used.add(key)
        if key not in self._lent:
            self._count += 1
            files = self.files / str(self._count)
            files.mkdir()
            fleet = Fleet(files)
            try:
                server = fleet.start(app, *options, **keywords)
            except BaseException:
                fleet.kill()
                raise
            self._lent[key] = Lent(fleet, server, server.worker_pids())
        return self._lent[key].server

    def take_back(self, *, failed: bool) -> None:
        """After each test.  Raises AssertionError when it left a server other than it was."""
        used, self._used = self._used, set()
        for key in used & set(self._lent):
            lent = self._lent[key]
            try:
                lent.server.settle()
                assert lent.server.worker_pids() == lent.workers, "a worker is another one"
            except AssertionError:
                failed = True
                raise
            finally:
                if failed:
                    self._end(key)

    def finish(self) -> None:
        """End all that run, with the checks that each server gets at its end."""
        errors: list[Exception] = []
        for lent in self._lent.values():
            try:
                lent.fleet.finish()
            except Exception as error:
                print(f"--- {lent.server.log.path}\n{lent.server.log.text()}")
                errors.append(error)
        if errors or self.must_stay:
            print(f"files left in {self.files}")
        else:
            shutil.rmtree(self.files)
        if errors:
            raise errors[0]

    def _end(self, key: str) -> None:
        """End one whose log tells of a failure."""
        lent = self._lent.pop(key)
        lent.fleet.kill()
        self.must_stay = True
        print(f"--- {lent.server.log.path}\n{lent.server.log.text()}")
