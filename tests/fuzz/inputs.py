"""What a fuzzer's bytes mean: a few for the settings and the packets, the rest is sent.

The form is the same for the parser and the hub, so that what one finds is also tried on the
other.  Bytes of 0 in front mean defaults: corpus cases are inputs with nine zeros before them.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, Final

from tests.wire.case import Case

KEPT: Final = Path(__file__).parent / "kept"  # a file of inputs for each fuzzer

FRONT: Final = 9  # bytes before the raw ones
NO_LIMIT: Final = 255
SCALES: Final[Mapping[str, int]] = {
    "line": 1, "fields": 1, "field_size": 1, "head": 4, "max_body": 8,
}  # fmt: skip
# A bit each; the two bits above them choose the header_map.
PERMITS: Final = (
    "permit_obsolete_folding",
    "strip_header_spaces",
    "permit_unconventional_http_method",
    "casefold_http_method",
    "permit_unconventional_http_version",
)
HEADER_MAPS: Final = ("drop", "refuse", "dangerous", "drop")


@dataclass(frozen=True)
class Input:
    """settings: as tests.wire.case has them.  sizes: of the packets, taken in turn.
    manner: 8 bits for whoever wants to do something in different ways.
    """

    settings: Mapping[str, Any]
    sizes: tuple[int, ...]
    manner: int
    raw: bytes

    def pieces(self) -> list[bytes]:
        """The raw bytes in packets."""
        found, at = list[bytes](), 0
        for size in cycle(self.sizes):
            if at >= len(self.raw):
                return found
            found.append(self.raw[at : at + size])
            at += size
        raise AssertionError("there is always a size")


def decode(data: bytes) -> Input:
    """Any bytes are an input; missing ones are zeros."""
    front = data[:FRONT].ljust(FRONT, b"\0")
    settings: dict[str, Any] = {
        name: 0 if value == NO_LIMIT else value * scale
        for (name, scale), value in zip(SCALES.items(), front, strict=False)
        if value
    }
    settings |= {name: True for bit, name in enumerate(PERMITS) if front[5] >> bit & 1}
    settings["header_map"] = HEADER_MAPS[front[5] >> 5 & 3]
    sizes = tuple(1 + size * (1 if size < 64 else 8) for size in front[6:8])
    return Input(settings, sizes, front[8], data[FRONT:])


def encode(raw: bytes, settings: Mapping[str, Any] = {}, manner: int = 0) -> bytes:
    """An input of these raw bytes; settings that the form cannot say are rounded."""
    front = bytearray(FRONT)
    for place, (name, scale) in enumerate(SCALES.items()):
        if name in settings:
            value = settings[name]
            front[place] = min(max(1, value // scale), NO_LIMIT - 1) if value else NO_LIMIT
    front[5] = sum(1 << bit for bit, name in enumerate(PERMITS) if settings.get(name))
    front[5] |= HEADER_MAPS.index(settings.get("header_map", "drop")) << 5
    front[8] = manner
    return bytes(front) + raw


def seeds(cases: Iterable[Case], longest: int) -> list[bytes]:
    """The cases of the corpus as inputs, those that are not longer than a fuzzer's inputs."""
    return [encode(case.raw, case.settings) for case in cases if len(case.raw) + FRONT <= longest]


def kept(name: str) -> list[bytes]:
    """The inputs that are replayed, of the fuzzer `name`."""
    lines = (KEPT / f"{name}.hex").read_text().splitlines()
    return [bytes.fromhex(line) for line in lines if line and not line.startswith("#")]


def found(name: str) -> list[str]:
    """The lines of the file before its first empty one: comments, and inputs on which
    something once did not hold.  They stay, whatever later runs reach.
    """
    lines = (KEPT / f"{name}.hex").read_text().splitlines()
    return lines[: lines.index("")]
