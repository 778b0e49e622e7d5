"""Mutation check: each protocol bug planted in csrc/*.c must make the C tests fail.

    python -m tests.wire.mutants            all of them, a minute or two
    python -m tests.wire.mutants framing.c  those of one file

A mutant is one replacement in one file.  It is built with the C tests (without sanitizers:
the guard pages notice reads beyond the end) and they must fail, crash or hang.  A mutant
that survives is a hole in the tests; one that does not build, or whose text is not in the
source exactly once, is a fault of the table below.

Runs in: cli
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.wire.mutant import Mutant, place
from tests.wire.mutants_beneath import BENEATH
from tests.wire.mutants_body import BODY
from tests.wire.mutants_head import HEAD
from tests.wire.mutants_preface import PREFACE
from tests.wire.mutants_websocket import WEBSOCKET

ROOT = Path(__file__).resolve().parents[2]
CSRC = ROOT / "csrc"
BUILD_SECONDS = 120
RUN_SECONDS = 60  # the tests take under a second; a mutant may loop


MUTANTS = HEAD + BODY + PREFACE + BENEATH + WEBSOCKET


def build_and_run(csrc: Path, build: Path) -> tuple[bool, str]:
    """(Do the tests pass?, the last line they or the compiler said)."""
    make = ["make", "-s", "-C", str(ROOT / "tests/c"), f"CSRC={csrc}", f"BUILD={build}"]
    done = subprocess.run(
        [*make, "CFLAGS=-std=c11 -w", str(build / "quick")],
        capture_output=True, text=True, timeout=BUILD_SECONDS,
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(f"does not build:\n{done.stderr}")
    try:
        tests = subprocess.run([str(build / "quick")], capture_output=True, timeout=RUN_SECONDS)
    except subprocess.TimeoutExpired:
        return False, "hangs"
    said = tests.stdout.decode("ascii", "backslashreplace").splitlines() or [
        f"signal {-tests.returncode}"
    ]
    return tests.returncode == 0, said[0] if tests.returncode else said[-1]


def plant(mutant: Mutant, csrc: Path) -> None:
    """Write the mutated file; the text to replace must be there exactly once."""
    source = place(CSRC, mutant.file).read_text()
    if source.count(mutant.old) != 1:
        raise SystemExit(
            f"mutants.py: {mutant.file}: {mutant.bug}: {mutant.old!r} is there "
            f"{source.count(mutant.old)} times, not once; adapt the table to the source"
        )
    place(csrc, mutant.file).write_text(source.replace(mutant.old, mutant.new))


def main(wanted: list[str]) -> int:
    """Try every mutant.  Returns the exit code: 1 when one survives."""
    survivors = []
    chosen = [mutant for mutant in MUTANTS if not wanted or mutant.file in wanted]
    with tempfile.TemporaryDirectory(prefix="fastfork-mutants-") as name:
        csrc, build = Path(name, "csrc"), Path(name, "build")
        shutil.copytree(CSRC, csrc, ignore=shutil.ignore_patterns("fastfork"))
        build.mkdir()
        passes, said = build_and_run(csrc, build)
        if not passes:
            raise SystemExit(f"mutants.py: the C tests fail without any mutant: {said}")
        for mutant in chosen:
            plant(mutant, csrc)
            survived, said = build_and_run(csrc, build)
            good = place(CSRC, mutant.file).read_text()
            place(csrc, mutant.file).write_text(good)
            print(f"{'SURVIVED' if survived else 'caught  '} {mutant.file}: {mutant.bug}: {said}")
            if survived:
                survivors.append(mutant)
    print(f"{len(chosen) - len(survivors)} mutants caught, {len(survivors)} survived")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
