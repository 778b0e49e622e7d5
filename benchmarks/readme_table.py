"""Put a run's figures into README.md: python -m benchmarks.readme_table RESULT.json.

Runs in: cli
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import caption, overview
from benchmarks.samples import Run, load_run
from benchmarks.servers import ROOT

START, END = "<!-- bench:start -->", "<!-- bench:end -->"


def block(run: Run, image: str) -> str:
    """What stands between the two marks."""
    parts = [overview(run), caption(run)]
    if image:
        parts.insert(0, f"![CPU time a request beside other servers]({image})")
    return "\n\n".join(parts)


def replaced(text: str, new: str) -> str:
    """`text` with `new` between the marks.  Raises ValueError unless both are there once."""
    if text.count(START) != 1 or text.count(END) != 1:
        raise ValueError(f"needs one line {START} and one line {END} below it")
    pattern = re.escape(START) + r".*" + re.escape(END)
    return re.sub(pattern, lambda _: f"{START}\n{new}\n{END}", text, count=1, flags=re.DOTALL)


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.readme_table", description=__doc__)
    parser.add_argument("result", type=Path, help="the JSON of a run")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    parser.add_argument("--image", default="", help="path of the plot as the README links it")
    options = parser.parse_args(argv)
    new = block(load_run(options.result), options.image)
    try:
        options.readme.write_text(replaced(options.readme.read_text(), new))
    except ValueError as error:
        print(f"{options.readme}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
