"""What fastfork promises about slow clients, and whether a run kept it.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from benchmarks.slow.phases import Phase
from benchmarks.slow.servers import CROWDED, KINDS
from benchmarks.slow.starved import Heads, Silent, Starved

MIB = 1 << 20
MOST_MS = 100.0
MOST_P99_MS = 3.0
MOST_BYTES = 60 * MIB
OUR_NAMES = tuple(kind.name for kind in KINDS)
MOST_HEAD_BYTES = 4096
MOST_IDLE = 0.01  # of a core: a look up a second, some 0.1 %
MOST_FAMINE = 3.0  # seconds: an idle connection is kept for a quarter of a second
LATE = 1.0  # seconds after the deadline at the latest

# How each kind has to end, and its deadline in seconds: `header_timeout`; the rule of 240
# bytes/s, which applies after ten and is looked at with the next byte, a second later here;
# `write_timeout`.
ENDS: Final[Mapping[str, tuple[str, float]]] = MappingProxyType(
    {"head": ("408 end", 10.0), "upload": ("408 end", 11.0), "reader": ("200 reset", 60.0)}
)


@dataclass(frozen=True)
class Target:
    """One promise, whether it was kept, and the figure that shows it."""

    text: str
    kept: bool
    found: str


def targets(
    phases: Sequence[Phase], heads: Heads | None, silent: Silent | None, starved: Starved | None
) -> list[Target]:
    """All promises that this run can tell about."""
    kept: list[Target] = []
    for phase in phases:
        if phase.server in OUR_NAMES:
            kept += _of_phase(phase)
    if heads is not None:
        kept += _of_heads(heads)
    if silent is not None:
        kept += _of_silent(silent)
    if starved is not None:
        kept += _of_starved(starved)
    return kept


def _of_phase(phase: Phase) -> Iterator[Target]:
    name = f"{phase.server}, {phase.clients} slow clients"
    if phase.void:
        yield Target(name, False, phase.void)
        return
    quick = phase.quick
    missing = quick["asked"] - quick["answered"]
    yield Target(f"{name}: no request fails", missing == 0, f"{missing} of {quick['asked']}")
    if phase.server == CROWDED:
        return  # more clients than descriptors: those that are slow give way before their time
    p99, slowest = quick["p99_ms"], quick["max_ms"]
    yield Target(
        f"{name}: p99 is {MOST_P99_MS:g} ms at the most",
        p99 is not None and p99 <= MOST_P99_MS,
        f"{p99} ms",
    )
    yield Target(
        f"{name}: none takes over {MOST_MS:g} ms",
        slowest is not None and slowest <= MOST_MS,
        f"slowest {slowest} ms (others used {phase.others} cores)",
    )
    yield Target(
        f"{name}: the server stays under {MOST_BYTES // MIB} MiB",
        phase.pss < MOST_BYTES,
        f"{phase.pss / MIB:.0f} MiB PSS at the most",
    )
    for kind, (how, deadline) in ENDS.items():
        yield _ended(f"{name}: each {kind} ends", phase.ended.get(kind, {}), how, deadline)


def _ended(
    text: str, found: Mapping[str, Mapping[str, float]], how: str, deadline: float
) -> Target:
    right = found.get(how, {})
    kept = set(found) == {how} and right["last"] <= deadline + LATE
    return Target(f"{text} with {how} by {deadline + LATE:g} s", kept, describe(found))


def describe(found: Mapping[str, Mapping[str, float]]) -> str:
    """How clients ended, and by when, in words."""
    words = []
    for how, figures in sorted(found.items(), key=lambda item: -item[1]["count"]):
        by = f" by {figures['last']:.1f} s" if "last" in figures else ""
        words.append(f"{figures['count']:.0f} x {how}{by}")
    return ", ".join(words) or "none"


def _of_heads(heads: Heads) -> Iterator[Target]:
    name = f"{heads.heads} half-sent heads"
    if heads.void:
        yield Target(name, False, heads.void)
        return
    yield Target(f"{name}: all held by one worker", heads.held == heads.heads, str(heads.held))
    yield Target(
        f"{name}: {MOST_HEAD_BYTES} bytes each or less",
        heads.each <= MOST_HEAD_BYTES,
        f"{heads.each} bytes PSS",
    )
    quiet, crowded = heads.quiet["p99_ms"], heads.crowded["p99_ms"]
    yield Target(
        f"{name}: a clean client's p99 at most twice its quiet one",
        crowded is not None and crowded <= 2 * quiet,
        f"{crowded} ms, quiet {quiet} ms",
    )
    yield _ended(f"{name}: each ends", heads.ended, *ENDS["head"])
    yield Target(f"{name}: no descriptor stays", heads.left == 0, str(heads.left))


def _of_silent(silent: Silent) -> Iterator[Target]:
    name = f"{silent.connections} silent connections"
    if silent.void:
        yield Target(name, False, silent.void)
        return
    yield Target(
        f"{name}: all held by one worker", silent.held == silent.connections, str(silent.held)
    )
    yield Target(
        f"{name}: no CPU while idle",
        silent.cpu_share < MOST_IDLE,
        f"{silent.cpu_share:.2%} of a core",
    )
    clean = silent.clean
    yield Target(
        f"{name}: a clean client is served",
        clean["asked"] == clean["answered"] and clean["max_ms"] <= MOST_MS,
        f"{clean['answered']} of {clean['asked']}, slowest {clean['max_ms']} ms",
    )
    yield _ended(f"{name}: each ends", silent.ended, "closed", 10.0)


def _of_starved(starved: Starved) -> Iterator[Target]:
    name = f"{starved.allowed} descriptors, {starved.connects} connects"
    if starved.void:
        yield Target(name, False, starved.void)
        return
    yield Target(f"{name}: same workers", starved.same_workers, str(starved.same_workers))
    yield Target(
        f"{name}: all are answered within {MOST_FAMINE:g} s",
        starved.answered == starved.connects and starved.all_within <= MOST_FAMINE,
        f"{starved.answered} of {starved.connects} within {starved.all_within} s",
    )
    yield Target(
        f"{name}: under 10 % CPU with all of them taken",
        starved.cpu_share < 0.1,
        f"{starved.cpu_share:.2%}",
    )
    yield Target(
        f"{name}: a new client is answered within 0.5 s",
        0 <= starved.recovery <= 0.5,
        f"{starved.recovery} s",
    )
