"""A schedule: what several clients do to one server at the same time, made from a seed.

Runs in: cli
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

from tests.apps.schedules import BLOCK, blocks_of, derived

# What both forms of the run try.
THREADS: tuple[int, ...] = (1, 2, 4, 16)
WORKERS: tuple[int, ...] = (1, 4)

# kind -> (weight, least and most of its number).  tests/apps/schedules.py says what they mean.
KINDS: dict[str, tuple[int, int, int]] = {
    "fast": (40, 0, 20_000),
    "sleep": (14, 2, 60),
    "loop": (6, 2, 30),
    "hash": (6, 1, 24),
    "stream": (10, 1, 10),
    "large": (4, 1, 6),
    "early": (3, 0, 0),
    "late": (3, 0, 0),
    "broken": (4, 0, 5),
    "write": (6, 1, 6),
    "upload": (6, 0, 400_000),
    "chunked": (4, 0, 200_000),
}
# These come last in a pipeline: after them the connection may be gone, or (large) the client would
# have to read while it sends.
LAST = ("early", "late", "broken", "large")
UPLOADS = ("upload", "chunked")
CHUNK = 9000  # bytes
MOST_STEPS = 4
PIPELINED = 0.15  # share of the steps
LEAVING = 0.12
FRESH = 0.3


def in_chunks(body: bytes) -> bytes:
    """RFC 9112 section 7.1."""
    chunks = [body[at : at + CHUNK] for at in range(0, len(body), CHUNK)]
    return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in [*chunks, b""])


@dataclass(frozen=True)
class Request:
    """One request and the answer that it must get."""

    kind: str
    token: str
    number: int

    @property
    def method(self) -> str:
        """POST for uploads."""
        return "POST" if self.kind in UPLOADS else "GET"

    @property
    def content(self) -> bytes:
        """The body of an upload."""
        return derived(f"{self.token}.up", self.number) if self.kind in UPLOADS else b""

    @property
    def wire(self) -> bytes:
        """The bytes to send."""
        head = (
            f"{self.method} /{self.kind}/{self.token}/{self.number} HTTP/1.1\r\nHost: schedules\r\n"
        )
        body = self.content
        if self.kind == "upload":
            head += f"Content-Length: {self.number}\r\n"
        elif self.kind == "chunked":
            head += "Transfer-Encoding: chunked\r\n"
            body = in_chunks(body)
        return head.encode() + b"\r\n" + body

    @property
    def status(self) -> int:
        """Of the answer."""
        failing = self.kind in ("early", "late") or (self.kind == "broken" and self.number == 0)
        return 500 if failing else 200

    @property
    def is_cut(self) -> bool:
        """Whether the answer has to end in the middle."""
        return self.kind == "broken" and self.number > 0

    @property
    def body(self) -> bytes:
        """Of the answer, when it is one of the application's."""
        if self.kind == "fast":
            return derived(self.token, self.number)
        if self.kind == "large":
            return derived(self.token, self.number << 20)
        if self.kind in ("stream", "write", "broken"):
            return b"".join(blocks_of(self.token, self.number))
        if self.kind in UPLOADS:
            digest = hashlib.sha256(self.content).hexdigest()
            return f"{self.number} {digest} ".encode() + derived(self.token, BLOCK)
        return derived(self.token, BLOCK)


@dataclass(frozen=True)
class Leave:
    """The client goes: share of the bytes that it sends, what it reads first, and how it goes."""

    sent: float
    reads: int
    pause: float
    reset: bool


@dataclass(frozen=True)
class Step:
    """Requests that are sent at once.  fresh: on a new connection.  pieces: sends that it takes.
    slowly: the answer is read in small pieces with pauses."""

    requests: tuple[Request, ...]
    fresh: bool
    slowly: bool
    pieces: int
    pause: float
    leave: Leave | None = None

    def __str__(self) -> str:
        what = " + ".join(f"{one.kind} {one.number} ({one.token})" for one in self.requests)
        told = [f"after {self.pause * 1e3:.0f} ms: {what}"]
        told += ["new connection"] * self.fresh + ["read slowly"] * self.slowly
        told += [f"sent in {self.pieces}"] * (self.pieces > 1)
        return ", ".join(told) + (f", {self.leave}" if self.leave else "")


@dataclass(frozen=True)
class Schedule:
    """The steps of each client."""

    seed: int
    threads: int
    workers: int
    clients: tuple[tuple[Step, ...], ...]

    def __str__(self) -> str:
        lines = [f"seed {self.seed}, threads {self.threads}, workers {self.workers}"]
        for number, steps in enumerate(self.clients):
            lines += [f"  client {number}: {step}" for step in steps]
        return "\n".join(lines)


def schedule(seed: int, threads: int, workers: int) -> Schedule:
    """The same one for the same numbers."""
    chance = random.Random(f"{seed}/{threads}/{workers}")
    # Often more than can be in the application at once, and sometimes fewer.
    most = 6 + min(10, threads * workers)
    clients = tuple(
        tuple(_step(chance, f"{seed}-{client}-{at}") for at in range(chance.randint(1, MOST_STEPS)))
        for client in range(chance.randint(2, most))
    )
    return Schedule(seed, threads, workers, clients)


def _step(chance: random.Random, name: str) -> Step:
    count = chance.randint(2, 5) if chance.random() < PIPELINED else 1
    requests = [_request(chance, f"{name}-{at}", last=at == count - 1) for at in range(count)]
    leave = None
    if chance.random() < LEAVING:
        leave = Leave(
            sent=chance.choice((0.3, 0.9, 1.0, 1.0, 1.0)),
            reads=chance.choice((0, 0, 1, 5000)),
            pause=chance.choice((0.0, 0.001, 0.005, 0.03)),
            reset=chance.random() < 0.5,
        )
    return Step(
        requests=tuple(requests),
        fresh=chance.random() < FRESH,
        slowly=requests[0].kind == "large" and chance.random() < 0.7,
        pieces=chance.choice((1, 1, 1, 2, 5)),
        pause=chance.choice((0.0, 0.0, 0.001, 0.005, 0.02)),
        leave=leave,
    )


def _request(chance: random.Random, token: str, *, last: bool) -> Request:
    names = [name for name in KINDS if last or name not in LAST]
    kind = chance.choices(names, [KINDS[name][0] for name in names])[0]
    return Request(kind, token, chance.randint(*KINDS[kind][1:]))
