"""All servers at once, each driven for a second in turn: python -m benchmarks.together [--help].

For real applications and hardly used servers the floor says little, and what counts is the
server beside: a round is one short burst on each, so that whatever the machine does meets
all of them, and a figure is compared with that of the same round.

Runs in: cli
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from benchmarks.kit import facts
from benchmarks.kit.launch import CannotStart
from benchmarks.kit.load import LoadFailed
from benchmarks.kit.servers import SERVERS
from benchmarks.kit.turns import Burst, Bursts, measured, names_of, report
from benchmarks.kit.workloads import WORKLOADS

ROWS = (
    *("django", "django-4", "django-1", "quiet", "django-page"),
    *("flask", "flask-4", "flask-1", "flask-json", "mix"),
)
COMPARED = (
    *("fastfork-httptools", "fastfork-native", "fastfork-threads"),
    *("bjoern", "granian", "freastal", "gunicorn-sync", "gunicorn-gthread"),
)
REFERENCE = "bjoern"


@dataclass(frozen=True)
class Together:
    """A run.  rows: the bursts by row and server, round by round."""

    facts: dict[str, str]
    versions: dict[str, str]
    rows: dict[str, Bursts]

    def save(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def load(path: Path) -> Together:
    """What `save` wrote."""
    said = json.loads(path.read_text())
    rows = {
        row: {name: [Burst(**burst) for burst in bursts] for name, bursts in servers.items()}
        for row, servers in said["rows"].items()
    }
    return Together(said["facts"], said["versions"], rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when a server cannot be measured."""
    options = _parser().parse_args(argv)
    servers = [SERVERS[name] for name in options.servers if SERVERS[name].installed]
    rows = [WORKLOADS[name] for name in options.rows]
    run = Together(facts.environment(), facts.versions(servers), {})
    print("\n".join(f"- {name}: {text}" for name, text in run.facts.items()))
    print(f"- {', '.join(f'{k} {v}' for k, v in run.versions.items())}\n", flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="fastfork-bench-") as scratch:
            for _app, of_app in groupby(rows, key=lambda row: row.app):
                own = list(of_app)
                for row, bursts in measured(
                    own, servers, options.rounds, Path(scratch), first=own[0]
                ):
                    run.rows[row.name] = bursts
                    print(f"{report(row, bursts, REFERENCE)}\n", flush=True)
                    if options.json:
                        run.save(options.json)
    except (CannotStart, LoadFailed, ProcessLookupError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.together", description=__doc__)
    parser.add_argument(
        "--servers", type=names_of(SERVERS), default=COMPARED, help=f"of {', '.join(SERVERS)}"
    )
    parser.add_argument(
        "--rows", type=names_of(dict.fromkeys(ROWS)), default=ROWS, help=f"of {', '.join(ROWS)}"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="file for every burst")
    return parser


if __name__ == "__main__":
    sys.exit(main())
