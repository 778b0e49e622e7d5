"""docs/reference/exit-codes.md, from the table of exit codes."""

from __future__ import annotations

from fastfork.cli.exitcodes import EXIT_CODES

__all__ = ["render"]

_HEAD = """# Exit codes

<!-- Made from fastfork/cli/exitcodes.py by `make docs-reference`. -->

What the shell sees of `fastfork`, `python -m fastfork`, `fastfork config` and `fastfork signal`.
Each mistake is told in one line that begins as shown below, and that goes on with what to type
instead where that is known. It is written to standard error, and to the error log when that is a
file.

| code | meaning |
|---|---|
"""
_TAIL = """
A server that was killed by a signal has no exit code; shells show 128 plus the signal's number.
What a hook asks for with `sys.exit(N)` in `on_starting` is N.

## Mistakes

| mistake | what is said begins | code |
|---|---|---|
"""


def render() -> str:
    """The page, as Markdown."""
    codes = [f"| {code} | {row.meaning} |" for code, row in EXIT_CODES.items()]
    mistakes = [
        f"| {mistake} | `{line}` | {code} |"
        for code, row in EXIT_CODES.items()
        for mistake, line in row.mistakes
    ]
    return "\n".join([_HEAD + "\n".join(codes), _TAIL.rstrip("\n"), *mistakes, ""])
