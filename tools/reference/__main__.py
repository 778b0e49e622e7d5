"""Write the pages of docs/reference: python -m tools.reference [--into FOLDER] [PAGE ...]."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.reference.pages import FOLDER, PAGES, write


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages that are named, else all of them.  Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.reference", description=__doc__)
    parser.add_argument("pages", nargs="*", metavar="PAGE", help=f"of {', '.join(PAGES)}")
    parser.add_argument("--into", type=Path, default=FOLDER, help="the folder for them")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.pages) - set(PAGES)):
        parser.error(f"{unknown[0]!r} is no page; there are {', '.join(PAGES)}")
    write(options.into, options.pages or PAGES)
    return 0


if __name__ == "__main__":
    sys.exit(main())
