"""One worker and too much of something: half-sent heads, silence, or too few descriptors.

Runs in: cli
"""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Collection
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from benchmarks.floor.idle import SETTLE_SECONDS
from benchmarks.kit import processes
from benchmarks.kit.launch import CannotStart, Running
from benchmarks.slow.phases import Conditions, ToolFailed, serving, tool
from benchmarks.slow.quick_client import RIGHT
from benchmarks.slow.servers import HEADS, ours

CLEAN_RATE = 200  # clean requests a second: p99 of a thousand, not of some hundred
QUIET_SECONDS = 6.0
OPENED_A_SECOND = 5_000
OPEN_SECONDS = 20.0
# What is left of the 10 s that a head may take, opening and settling taken off.
HELD_SECONDS = 5.0
ENDING_SECONDS = 7.0
SILENT_SECONDS = 2.0  # at rest, and again with a clean client: all within their 10 s
DRIP_SECONDS = 4.0  # between two bytes of one head: 2,500 a second of all of them
MOST_SECONDS = 40.0
ALLOWED = 64
CONNECTS = 150
STARVED_SECONDS = 5.0
WAIT_SECONDS = 5.0
KEPT = b"GET / HTTP/1.1\r\nHost: starved\r\n\r\n"


@dataclass(kw_only=True)
class Heads:
    """Half-sent heads on one worker.

    each: bytes of memory (PSS) of the server a head, of the `held` ones.
    quiet, crowded, ending: the report of a clean client before, while all are held, and while
    they are ended.  ended: how and when they were.  left: descriptors that stayed.
    """

    heads: int
    held: int = 0
    each: int = 0
    quiet: dict[str, Any] = field(default_factory=dict)
    crowded: dict[str, Any] = field(default_factory=dict)
    ending: dict[str, Any] = field(default_factory=dict)
    ended: dict[str, dict[str, float]] = field(default_factory=dict)
    left: int = 0
    void: str = ""


@dataclass(kw_only=True)
class Silent:
    """Connections on one worker that send nothing.

    held: of them at the same time.  each: bytes of memory (PSS) of the server for each.
    cpu_share: of a core, of the worker, while nobody does anything.  clean: the report of a
    clean client beside them.  ended: how and when they were.
    """

    connections: int
    held: int = 0
    each: int = 0
    cpu_share: float = 0.0
    clean: dict[str, Any] = field(default_factory=dict)
    ended: dict[str, dict[str, float]] = field(default_factory=dict)
    void: str = ""


@dataclass(kw_only=True)
class Starved:
    """A worker with 64 descriptors and 150 connects that ask once and stay.

    answered: of them.  all_within: seconds until the last was.  cpu_share: of a core, with all
    descriptors taken and nobody asking.  recovery: seconds until a new client was answered, after
    that; -1: it was not.
    """

    allowed: int = ALLOWED
    connects: int = CONNECTS
    answered: int = 0
    all_within: float = -1.0
    cpu_share: float = 0.0
    recovery: float = -1.0
    same_workers: bool = False
    void: str = ""


def take_heads(count: int, under: Conditions) -> Heads:
    """10,000 heads, each in the middle of a field, going on by a byte now and then."""
    found = Heads(heads=count)
    server = ours(1, "--worker-connections", str(count + 1000))
    try:
        with serving(server, HEADS, under) as it:
            _crowd(found, it, under.cores[1])
    except (CannotStart, ToolFailed, OSError, ValueError) as error:
        found.void = str(error)
    return found


def _crowd(found: Heads, it: Running, core: int) -> None:
    found.quiet = _clean_client(it, core, QUIET_SECONDS)  # and what a first request allocates
    before = processes.memory(processes.tree(it.root)).pss
    descriptors = processes.descriptors(processes.tree(it.root))
    crowd = ("clients", it.port, found.heads, "head", "--longest", MOST_SECONDS)
    with tool(*crowd, "--period", DRIP_SECONDS, "--opened", OPENED_A_SECOND, core=core) as slow:
        if not slow.wait_for_line(OPEN_SECONDS):
            raise ToolFailed(f"the {found.heads} heads were not all sent in {OPEN_SECONDS:g} s")
        time.sleep(SETTLE_SECONDS)
        found.held = processes.descriptors(processes.tree(it.root)) - descriptors
        pss = processes.memory(processes.tree(it.root)).pss
        found.each = round((pss - before) / max(1, found.held))
        found.crowded = _clean_client(it, core, HELD_SECONDS)
        found.ending = _clean_client(it, core, ENDING_SECONDS)
        found.ended = slow.finish()["head"]
    found.left = processes.descriptors(processes.tree(it.root)) - descriptors


def _clean_client(it: Running, core: int, seconds: float) -> Any:
    with tool(
        "quick_client", it.port, "--rate", CLEAN_RATE, "--longest", seconds, core=core
    ) as clean:
        clean.wait_until_ended(seconds + OPEN_SECONDS)
        return clean.finish()


def take_silent(count: int, under: Conditions) -> Silent:
    """So many connections that never send."""
    found = Silent(connections=count)
    server = ours(1, "--worker-connections", str(count + 1000))
    try:
        with serving(server, HEADS, under) as it:
            _be_silent(found, it, under.cores[1])
    except (CannotStart, ToolFailed, OSError, ValueError) as error:
        found.void = str(error)
    return found


def _be_silent(found: Silent, it: Running, core: int) -> None:
    pids = processes.tree(it.root)
    before, descriptors = processes.memory(pids).pss, processes.descriptors(pids)
    crowd = ("clients", it.port, found.connections, "silent", "--longest", MOST_SECONDS)
    with tool(*crowd, "--opened", OPENED_A_SECOND, core=core) as silent:
        if not silent.wait_for_line(OPEN_SECONDS):
            raise ToolFailed(f"not all {found.connections} were open in {OPEN_SECONDS:g} s")
        time.sleep(SETTLE_SECONDS)
        found.held = processes.descriptors(pids) - descriptors
        found.each = round((processes.memory(pids).pss - before) / max(1, found.held))
        found.cpu_share = _share_of_core(pids, SILENT_SECONDS)
        found.clean = _clean_client(it, core, SILENT_SECONDS)
        silent.wait_until_ended(MOST_SECONDS)
        found.ended = silent.finish()["silent"]


def _share_of_core(pids: Collection[int], seconds: float) -> float:
    """CPU seconds a second that these processes use."""
    began, used = time.monotonic(), processes.cpu_ns(pids)
    time.sleep(seconds)
    return round((processes.cpu_ns(pids) - used) / 1e9 / (time.monotonic() - began), 4)


def take_starved(under: Conditions) -> Starved:
    """150 connects to a worker that may have 64 descriptors, all to be kept alive."""
    found = Starved()
    try:
        with serving(ours(1, "--keep-alive", "120"), HEADS, under) as it:
            _starve(found, it)
    except (CannotStart, OSError, ValueError) as error:
        found.void = str(error)
    return found


def _starve(found: Starved, it: Running) -> None:
    workers = [pid for pid in processes.tree(it.root) if pid != it.root]
    for pid in workers:  # behind its back, so that it runs into it
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (ALLOWED, ALLOWED))
    with ExitStack() as held:
        began = time.monotonic()
        clients = [
            held.enter_context(socket.create_connection(("127.0.0.1", it.port), WAIT_SECONDS))
            for _ in range(CONNECTS)
        ]
        for client in clients:
            client.sendall(KEPT)
        found.answered = sum(_is_answered(client) for client in clients)
        found.all_within = round(time.monotonic() - began, 3)
        found.cpu_share = _share_of_core(workers, STARVED_SECONDS)
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", it.port), WAIT_SECONDS) as new:
            new.sendall(KEPT)
            if _is_answered(new):
                found.recovery = round(time.monotonic() - began, 3)
    now = [pid for pid in processes.tree(it.root) if pid != it.root]
    found.same_workers = now == workers


def _is_answered(client: socket.socket) -> bool:
    with suppress(TimeoutError):
        return client.recv(4096).startswith(RIGHT)
    return False
