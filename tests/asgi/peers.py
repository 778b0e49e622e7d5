"""Play the corpus on other servers, to see that its cases are fair; prints who fails what.

`python -m tests.asgi.peers --python build/asgi-peers/bin/python uvicorn granian`, as
`make asgi-peers` does; `fastfork` is one of the names.  `--at HOST:PORT` plays on a server
that runs asgi_stage:app already, `-k TEXT` only some of the cases, `--why` shows what went wrong.

Runs in: cli
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from tests.asgi.case import Case, NotOffered
from tests.asgi.corpus import CASES
from tests.asgi.servers import PEERS, Fastfork, Peer, Started, Starter
from tests.asgi.stage import Stage
from tests.kit.client import Endpoint

PATIENCE = 3.0  # seconds; a case that fails waits for so long
PASSED, NOT_OFFERED, FAILED = "passes", "not offered", "FAILS"


class Player:
    """Plays cases on one server, and starts that anew when it has died of one."""

    def __init__(self, starter: Starter | None, endpoint: Endpoint | None, *, why: bool) -> None:
        self.starter, self.why = starter, why
        self._started: Started | None = None
        self._endpoint = endpoint

    def verdict(self, case: Case) -> str:
        """One of the three words."""
        stage = self._stage()
        try:
            case.play(stage)
        except NotOffered:
            return NOT_OFFERED
        except Exception as error:
            if self.why:
                print(f"  {case}\n{reason(error)}", flush=True)
            self._started = None if self.starter is not None else self._started
            return FAILED
        finally:
            stage.close()
        return PASSED

    def must_answer(self) -> None:
        """Raise unless it serves the scenes at all."""
        stage = self._stage()
        assert stage.ask("quick").status == 200, "it does not run asgi_stage:app"

    def _stage(self) -> Stage:
        if self.starter is not None and self._started is None:
            self._started = self.starter.start()
        endpoint = self._endpoint
        if self._started is not None:
            endpoint = self._started.endpoint
        assert endpoint is not None
        return Stage(endpoint, timeout=PATIENCE, started=self._started, starter=self.starter)


def reason(error: Exception) -> str:
    """Where and why a case failed, with what was compared."""
    lines = [f"    {type(error).__name__}: {str(error)[:400]}"]
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    for frame in told.stack:
        if "/tests/asgi/" in frame.filename and not frame.filename.endswith("peers.py"):
            lines.append(f"    {frame.name}: {frame.line}")
            known = {key: value[:200] for key, value in (frame.locals or {}).items()}
            lines += [f"      {key} = {value}" for key, value in known.items() if key != "stage"]
    return "\n".join(lines)


def starter_of(name: str, python: str, files: Path) -> Starter:
    """What starts servers of this name."""
    return Fastfork(files) if name == "fastfork" else Peer(name, python, files)


def play(name: str, cases: Sequence[Case], options: argparse.Namespace) -> dict[str, str]:
    """Verdicts of one server by case."""
    files = Path(tempfile.mkdtemp(prefix=f"asgi-{name}-"))
    endpoint: Endpoint | None = None
    starter: Starter | None = None
    if options.at:
        host, _, port = options.at.rpartition(":")
        endpoint = (host, int(port))
    else:
        starter = starter_of(name, options.python, files)
    player = Player(starter, endpoint, why=options.why)
    player.must_answer()
    print(f"{name}: {len(cases)} cases", flush=True)
    try:
        return {str(case): player.verdict(case) for case in cases}
    finally:
        if starter is not None:
            starter.finish()
        shutil.rmtree(files, ignore_errors=True)


def table(cases: Sequence[Case], verdicts: dict[str, dict[str, str]]) -> str:
    """Markdown: the cases that somebody does not pass."""
    lines = [
        " | ".join(["| case | demanded by", *verdicts, ""]),
        "|---|---|" + "---|" * len(verdicts),
    ]
    for case in cases:
        row = [found[str(case)] for found in verdicts.values()]
        if set(row) != {PASSED}:
            demanded = "the specification" if case.is_rule else "users"
            lines.append(" | ".join([f"| {case}", demanded, *row, ""]))
    passed = [str(list(found.values()).count(PASSED)) for found in verdicts.values()]
    lines.append(" | ".join([f"| passed, of {len(cases)}", "", *passed, ""]))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, and print the table.  Returns 0: others may fail what they like."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("servers", nargs="*", default=["uvicorn", "granian"])
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has them")
    parser.add_argument("--at", help="HOST:PORT of a server that runs already")
    parser.add_argument("-k", default="", help="only cases whose names contain this")
    parser.add_argument("--why", action="store_true", help="show what went wrong")
    options = parser.parse_args(arguments)
    unknown = set(options.servers) - {*PEERS, "fastfork"}
    if unknown and not options.at:
        parser.error(f"no such server: {', '.join(unknown)}")
    is_ours = options.servers == ["fastfork"] and not options.at
    cases = [case for case in CASES if options.k in str(case) and (is_ours or not case.is_own)]
    verdicts = {name: play(name, cases, options) for name in options.servers}
    print(table(cases, verdicts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
