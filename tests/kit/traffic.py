"""Mixed traffic while something happens to the server: nothing may be lost.

24 clients.  A third has a new connection for each request, a third keeps one and asks back to
back, a third keeps one and pauses for 50 ms, 0.5 s or 1.5 s.  Some requests are slow, some are
uploads in pieces, some have large answers that are read slowly; of `POSTS`, half are small and
must not be repeated by anybody.  Each has a serial number that the answer must repeat.

As every HTTP client must (RFC 9112 section 9.3.1), one that finds its idle connection closed
opens another.  A request that was sent and not answered in full is lost.

Runs in: cli
"""

from __future__ import annotations

import random
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from tests.apps.serial import LARGE_BYTES
from tests.kit.client import Endpoint, RawClient
from tests.kit.response import ProtocolViolation, Response

CLIENTS = 24
PAUSES = (0.05, 0.5, 1.5)  # seconds; the longest is within the 2 s that a leaving worker waits
UPLOAD = b"u" * (1 << 20)
PIECE = 64 << 10
FORM = b"f" * 100
# Kind of request -> how many of a hundred.
MIXED: Mapping[str, int] = {"quick": 89, "slow": 5, "upload": 3, "large": 3}
POSTS: Mapping[str, int] = {"quick": 43, "post": 50, "slow": 4, "upload": 2, "large": 1}
SLOWLY = 0.002  # seconds between two reads of a large answer
TIMEOUT = 30.0


class Habit(Enum):
    """What a client does with its connection."""

    NEW = "a new connection for each request"
    BUSY = "back to back"
    PAUSING = "with pauses"


@dataclass
class Loss:
    """A request without an answer.  owner: pid that last answered on its connection, or None."""

    serial: str
    habit: Habit
    kind: str
    owner: int | None
    reason: str


@dataclass
class Report:
    """resets: idle connections that ended with a reset instead of a close."""

    answered: int = 0
    lost: list[Loss] = field(default_factory=list)
    resets: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class Traffic:
    """`with Traffic(endpoint) as traffic: ...`; afterwards `traffic.report` is complete.

    endpoint: asked again for each new connection.  kinds: of requests, with their shares.
    secure(socket): one with TLS instead.
    """

    def __init__(
        self,
        endpoint: Callable[[], Endpoint],
        *,
        seed: int = 1,
        kinds: Mapping[str, int] = MIXED,
        secure: Callable[[socket.socket], socket.socket] | None = None,
    ) -> None:
        self.report = Report()
        self.kinds = kinds
        self._endpoint = endpoint
        self._secure = secure
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._guarded, args=(_Client(self, number, seed),))
            for number in range(CLIENTS)
        ]

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(2 * TIMEOUT)

    def answered(self) -> int:
        """How many requests were answered so far."""
        with self._lock:
            return self.report.answered

    def lost_since(self, count: int) -> list[Loss]:
        """What was lost after the first `count`."""
        with self._lock:
            return self.report.lost[count:]

    def _guarded(self, client: _Client) -> None:
        try:
            while not self._over.is_set():
                client.ask()
        except Exception as error:
            told = f"client ended: {error!r}"
            self.note(lambda report: report.refused.append(told))
        finally:
            client.hang_up()

    def note(self, write: Callable[[Report], object]) -> None:
        """Change the report."""
        with self._lock:
            write(self.report)

    def is_over(self, seconds: float) -> bool:
        """Pause, at most until the end of the traffic."""
        return self._over.wait(seconds)

    def connect(self) -> Connection:
        """A new connection."""
        connection = Connection(self._endpoint(), timeout=TIMEOUT)
        if self._secure is not None:
            connection.sock = self._secure(connection.sock)
        return connection


class Connection(RawClient):
    """Reads in pieces, each after a pause of `pause` seconds."""

    pause = 0.0

    def _more(self) -> bytes:
        if not self.pause:
            return super()._more()
        time.sleep(self.pause)  # the client is slow, nobody waits for a fact
        return self.sock.recv(PIECE)


class _Client:
    """One of the 24."""

    def __init__(self, traffic: Traffic, number: int, seed: int) -> None:
        self._traffic = traffic
        self._number = number
        self._random = random.Random(seed * 1000 + number)
        self._habit = list(Habit)[number % 3]
        self._count = 0
        self._connection: Connection | None = None
        self._owner: int | None = None

    def ask(self) -> None:
        """Send one request and check the answer."""
        if self._habit is Habit.PAUSING and self._traffic.is_over(self._random.choice(PAUSES)):
            return
        connection = self._ready_connection()
        self._count += 1
        serial = f"{self._number}-{self._count}"
        kinds = self._traffic.kinds
        kind = self._random.choices(list(kinds), list(kinds.values()))[0]
        try:
            self._send(connection, kind, serial)
            answer = self._read(connection, kind)
            _check(answer, kind, serial)
        except (OSError, ProtocolViolation, EOFError, AssertionError) as error:
            loss = Loss(serial, self._habit, kind, self._owner, repr(error))
            self._traffic.note(lambda report: report.lost.append(loss))
            self.hang_up()
            return
        self._traffic.note(lambda report: setattr(report, "answered", report.answered + 1))
        self._owner = int(answer.get("X-Pid") or 0)
        if self._habit is Habit.NEW or answer.closes:
            self.hang_up()

    def hang_up(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._owner = None

    def _ready_connection(self) -> Connection:
        if self._connection is not None and self._has_ended(self._connection):
            self.hang_up()
        if self._connection is None:
            self._connection = self._traffic.connect()
        return self._connection

    def _has_ended(self, connection: Connection) -> bool:
        """Whether the server has closed the idle connection."""
        if not select.select([connection.sock], [], [], 0)[0]:
            return False
        try:
            extra = connection.sock.recv(1)
        except ConnectionError as error:
            told = f"{self._number}-{self._count}: {error!r}"
            self._traffic.note(lambda report: report.resets.append(told))
            return True
        assert not extra, "bytes that nobody asked for"
        return True

    def _send(self, connection: Connection, kind: str, serial: str) -> None:
        if kind == "post":
            connection.send_request("POST", f"/upload/{serial}", body=FORM)
            return
        if kind != "upload":
            connection.send_request("GET", f"/{kind}/{serial}")
            return
        head = f"POST /upload/{serial} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(UPLOAD)}\r\n\r\n"
        connection.send(head.encode())
        for at in range(0, len(UPLOAD), PIECE):
            connection.send(UPLOAD[at : at + PIECE])
            self._traffic.is_over(SLOWLY)

    def _read(self, connection: Connection, kind: str) -> Response:
        connection.pause = SLOWLY if kind == "large" else 0.0
        answer = connection.read_response("POST" if kind in ("upload", "post") else "GET")
        connection.received.clear()  # the connection may live long
        return answer


def _check(answer: Response, kind: str, serial: str) -> None:
    assert answer.status == 200, answer
    if kind == "large":
        assert len(answer.body) == LARGE_BYTES
        assert answer.body.startswith(f"{serial}.".encode())
    elif kind == "upload":
        assert answer.text == f"{serial} {len(UPLOAD)}", answer
    elif kind == "post":
        assert answer.text == f"{serial} {len(FORM)}", answer
    else:
        assert answer.text == serial, answer
