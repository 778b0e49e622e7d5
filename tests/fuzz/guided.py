"""A coverage-guided fuzzer of the compiled modules: `python -m tests.fuzz.guided parser ...`.

atheris is libFuzzer for Python; the further arguments are libFuzzer's.  It must run under
`tools/sanitized` with atheris' own run-time library (SANITIZER_RUNTIME), which counts the
branches of modules that clang compiled with -fsanitize=fuzzer-no-link.

Runs in: cli
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Final

import atheris

from tests.fuzz import parsing, serving, sessions

CHECKS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "parser": parsing.check,
    "hub": serving.check,
    "session": sessions.check,
}


def main() -> None:
    """Fuzz until libFuzzer's limits say stop."""
    check = CHECKS[sys.argv.pop(1)]
    # To merge inputs libFuzzer starts itself again, by its first argument.
    sys.argv[0] = os.environ.get("FUZZ_AGAIN", sys.argv[0])
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
