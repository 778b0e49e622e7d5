"""Markdown that reads as text too."""

from __future__ import annotations

__all__ = ["table"]


def table(head: list[str], body: list[list[str]]) -> str:
    """A Markdown table, its columns padded so that it reads as text too."""
    lines = [head, *body]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    padded = [
        [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]
        for line in lines
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in (padded[0], rule, *padded[1:]))
