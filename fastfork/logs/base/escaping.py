r"""Escaping: no request may forge a line of a log, or speak to the terminal that shows it.

Runs in: both
"""

from __future__ import annotations

import re

from .guard import must_pass

__all__ = ["escape", "escape_controls"]

# Longer values are cut: a log line is for reading.  Twice the default limit of a field.
LONGEST_VALUE = 16384

_UNSAFE = re.compile(r"[^ !#-\[\]-~]")
# C0 except tab and newline, DEL, C1, and the line ends that only Unicode knows.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def _as_hex(match: re.Match[str]) -> str:
    r"""\xHH for latin-1; wider characters, which no request can bring, as \uHHHH or \UHHHHHHHH."""
    number = ord(match[0])
    if number < 0x100:
        return f"\\x{number:02X}"
    return f"\\u{number:04X}" if number < 0x10000 else f"\\U{number:08X}"


def escape(value: object) -> str:
    """`value` as one run of printable ASCII without quotes or backslashes.

    Never raises, whatever the application left in the environ.
    """
    try:
        text = str(value)
    except BaseException as error:
        if must_pass(error):
            raise
        return "-"
    return _UNSAFE.sub(_as_hex, text[:LONGEST_VALUE])


def escape_controls(text: str) -> str:
    """`text` without characters that a terminal acts upon; tabs and newlines stay."""
    return _CONTROLS.sub(_as_hex, text)
