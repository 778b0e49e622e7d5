"""Plant one-line bugs in the compiled core, one at a time; the tests named beside each must
catch it.

    make mutants-core           (47 mutants took 20 minutes on two busy cores)
    python -m tests.wire.mutants_core [FILE.pyx ...]

The checkout is copied, built once, and each mutant rebuilt there, so that nothing of the
checkout changes.  A mutant that survives is a hole in the tests; one that does not build, or
whose text is not in the source exactly once, is a fault of the tables in mutants_pyx.py and
its neighbours.

Runs in: cli
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.wire.mutant import place
from tests.wire.mutants_blocks import BLOCKS
from tests.wire.mutants_proxies import PROXIES
from tests.wire.mutants_pyx import PYX, CoreMutant
from tests.wire.mutants_responses import RESPONSES
from tests.wire.mutants_static import STATIC
from tests.wire.mutants_wscodec import WSCODEC

ROOT = Path(__file__).resolve().parents[2]
MUTANTS = PYX + RESPONSES + PROXIES + BLOCKS + STATIC + WSCODEC
COPIED = ("csrc", "fastfork", "tests", "setup.py", "pyproject.toml", "README.md", "LICENSE")
BUILD_SECONDS = 300
RUN_SECONDS = 600  # all of the named tests take two minutes; a mutant may hang


class Copy:
    """A copy of the checkout that is built in place."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "*.so", "fuzz")
                shutil.copytree(source, root / name, ignore=ignored)
            else:
                shutil.copy2(source, root / name)
        # Its own package, not the one that is installed; no optimisation builds sooner.
        self.environment = {**os.environ, "PYTHONPATH": str(root), "FASTFORK_DEBUG": "1"}
        for name in ("FASTFORK_TEST_INSTALLED", "PYTHONSAFEPATH"):
            self.environment.pop(name, None)

    def build(self) -> None:
        """Compile what has changed.  Raises SystemExit with the compiler's words."""
        done = self._run(BUILD_SECONDS, "setup.py", "-q", "build_ext", "--inplace")
        if done.returncode:
            raise SystemExit(f"does not build:\n{done.stdout}{done.stderr}")

    def passes(self, *tests: str) -> tuple[bool, str]:
        """(Do these tests pass?, the first of pytest's lines that says why not.)"""
        options = ("-q", "-x", "-p", "no:cacheprovider", "--timeout", "60")
        try:
            done = self._run(RUN_SECONDS, "-m", "pytest", *options, *tests)
        except subprocess.TimeoutExpired:
            return False, "hangs"
        if done.returncode not in (0, 1):
            raise SystemExit(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return done.returncode == 0, lines[0][:100] if lines else done.stdout[-100:].strip()

    def _run(self, seconds: float, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root, env=self.environment, timeout=seconds, capture_output=True, text=True,
            errors="backslashreplace",
        )  # fmt: skip

    def source(self, mutant: CoreMutant) -> Path:
        """The file that a mutant changes."""
        return place(self.root / "csrc", mutant.file)


def try_mutant(copy: Copy, mutant: CoreMutant) -> tuple[bool, str]:
    """Plant, build, test, take it out again: (survived?, what the tests said)."""
    path = copy.source(mutant)
    good = path.read_text()
    if good.count(mutant.old) != 1:
        raise SystemExit(
            f"{mutant.file}: {mutant.bug}: {mutant.old!r} is there "
            f"{good.count(mutant.old)} times, not once; adapt the table to the source"
        )
    path.write_text(good.replace(mutant.old, mutant.new))
    try:
        copy.build()
        return copy.passes(*mutant.tests)
    finally:
        path.write_text(good)


def main(wanted: list[str]) -> int:
    """Try every mutant.  Returns the exit code: 1 when one survives."""
    chosen = [mutant for mutant in MUTANTS if not wanted or mutant.file in wanted]
    survivors = 0
    with tempfile.TemporaryDirectory(prefix="fastfork-mutants-") as name:
        copy = Copy(Path(name))
        copy.build()
        passes, said = copy.passes(*sorted({test for mutant in chosen for test in mutant.tests}))
        if not passes:
            raise SystemExit(f"mutants_core.py: the tests fail without any mutant: {said}")
        for mutant in chosen:
            survived, said = try_mutant(copy, mutant)
            survivors += survived
            word = "SURVIVED" if survived else "caught  "
            print(f"{word} {mutant.file}: {mutant.bug}: {said}", flush=True)
    print(f"{len(chosen) - survivors} mutants caught, {survivors} survived")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
