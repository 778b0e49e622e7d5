"""Every case of the corpus, refusals included, again and again: nothing accumulates, neither
in the parsers nor in the hub that answers them.

`make flat` asks for 100,000 requests of each kind and prints the figures; the ordinary run
makes do with some thousand.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest

from fastfork.http import BACKENDS
from tests.fuzz.answers import Application
from tests.kit.inproc import Served, descriptors
from tests.kit.response import ProtocolViolation
from tests.wire.case import Case
from tests.wire.corpus import ALL
from tests.wire.feeding import byte_by_byte, drive, parser_settings

pytestmark = pytest.mark.usefixtures("earlier_objects_left_alone")

REQUESTS = int(os.environ.get("FASTFORK_FLAT_REQUESTS", "0"))
PASSES = {"parsers": 12, "hub": 8}  # over the corpus; what one case loses is so many times one
TRIES = 6  # what is lost in a pass is lost in all of them; caches fill up once
RSS_GROWTH = 1 << 20  # bytes; an arena of the allocator's more or less
SOME_BYTES = 100  # longer cases are not also given byte by byte

Once = Callable[[Case], None]


def rss() -> int:
    """Bytes of this process in memory, proc_pid_statm(5)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class Held(NamedTuple):
    """references: all, where the interpreter counts them, which is a debug build; else those
    to None, the object that is easiest to forget.
    """

    blocks: int
    references: int
    memory: int


def held() -> Held:
    gc.collect()
    references = getattr(sys, "gettotalrefcount", lambda: sys.getrefcount(None))
    return Held(sys.getallocatedblocks(), references(), rss())


def growth(once: Once, cases: list[Case], passes: int) -> Held:
    """What is held more after so many passes over the cases."""
    grown, of_measuring = _grown(once, cases, passes), _grown(once, cases, 0)
    return Held(*(all_of_it - own for all_of_it, own in zip(grown, of_measuring, strict=True)))


def _grown(once: Once, cases: list[Case], passes: int) -> Held:
    """The figures that the first look keeps are themselves blocks and references."""
    before = held()
    for _ in range(passes):
        for case in cases:
            once(case)
    return Held(*(now - then for now, then in zip(held(), before, strict=True)))


def is_flat(grown: Held, passes: int) -> bool:
    """Clearly less than a block or a reference a pass: no case loses one each time."""
    return max(grown.blocks, grown.references) < passes * 3 // 4 and grown.memory < RSS_GROWTH


def culprits(once: Once, cases: list[Case], passes: int) -> list[str]:
    """The cases that lose something each time, by name."""
    return [str(case) for case in cases if not is_flat(growth(once, [case], passes), passes)]


def assert_flat(kind: str, backend: str, once: Once, cases: list[Case]) -> None:
    if not sys.getallocatedblocks():
        pytest.skip("PYTHONMALLOC=malloc counts no blocks")
    passes = max(PASSES[kind], -(-REQUESTS // len(cases)))
    growth(once, cases, 2)  # what is made once
    opened = len(descriptors())
    grown = []
    for _ in range(TRIES):
        grown.append(growth(once, cases, passes))
        if is_flat(grown[-1], passes):
            break
    else:
        raise AssertionError(f"{grown} after {passes} passes: {culprits(once, cases, passes)}")
    assert len(descriptors()) == opened
    blocks, references, memory = grown[-1]
    print(
        f"flat: {kind}, {backend}: {len(grown) * passes * len(cases):,} requests; in the last "
        f"{passes * len(cases):,} of them blocks {blocks:+d}, references {references:+d}, "
        f"memory {memory // 1024:+d} KiB of {rss() // 1024} KiB"
    )


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_parsers_keep_nothing_of_what_they_read_or_refuse(backend: str) -> None:
    def once(case: Case) -> None:
        drive(backend, [case.raw], case.settings)
        if len(case.raw) < SOME_BYTES:
            drive(backend, byte_by_byte(case.raw), case.settings)

    assert_flat("parsers", backend, once, list(ALL))


class Servers:
    """A hub for each set of settings that cases have."""

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self.app = Application()
        self.hubs: dict[tuple[tuple[str, object], ...], Served] = {}
        self.turns = count()

    def hub(self, case: Case) -> Served:
        key = tuple(sorted(case.settings.items()))
        if key not in self.hubs:
            settings = parser_settings(case.settings)
            self.hubs[key] = Served(self.app, parser=self.backend, spool_after=100, **settings)
        return self.hubs[key]

    def once(self, case: Case) -> None:
        """A connection that sends the case, then reads to the end, or resets."""
        served = self.hub(case)
        client = served.connect()
        client.sock.sendall(case.raw)
        served.settle()
        try:
            if next(self.turns) % 3 == 2:
                client.reset()
            else:
                client.half_close()
                while client._more():
                    pass
        except (OSError, ProtocolViolation):
            pass  # the server was first
        client.close()
        served.turn_until(lambda: served.hub.connections.count == 0, "the connection is closed")
        for noted in (served._clients, served.log, served.dropped, self.app.asked):
            noted.clear()


@pytest.fixture(params=sorted(BACKENDS))
def servers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    made = Servers(str(request.param))
    # CPython's traceback module matches patterns and keeps some of the tuples it matched.
    monkeypatch.setattr(logging.Formatter, "formatException", lambda self, info: "traceback")
    yield made
    for served in reversed(made.hubs.values()):
        served.finish()


@pytest.mark.timeout(1800)
def test_hub_keeps_nothing_of_what_it_answers_or_refuses(servers: Servers) -> None:
    assert_flat("hub", servers.backend, servers.once, list(ALL))


def test_a_case_that_loses_an_object_is_found() -> None:
    lost = []
    cases = list(ALL[:20])
    offender = cases[7]

    def once(case: Case) -> None:
        if case is offender:
            lost.append(object())

    with pytest.raises(AssertionError, match=str(offender)):
        assert_flat("parsers", "native", once, cases)
