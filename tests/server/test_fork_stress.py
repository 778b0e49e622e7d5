"""Applications that fork all the time, and others who must not notice: no answer may be lost.

FASTFORK_FORK_SECONDS makes it longer; `make forks` does that, on modules under ASan.

Runs in: cli
"""

from __future__ import annotations

import hashlib
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.conftest import Starter
from tests.kit.client import RawClient
from tests.kit.tls import Authority, TlsClient

APP = "forking:app"
SECONDS = float(os.environ.get("FASTFORK_FORK_SECONDS", "2"))
KINDS = {
    "one thread": (),
    "threads": ("--threads", "8"),
    "greenlets": ("-k", "gevent"),
    "TLS and threads": ("--threads", "8"),
}
FORKS = ["child/returns", "child/raises", "child/exits", "child/writes", "child/generator",
         "child/close", "process/fork", "executor/fork", "terminated", "run/program", "run/preexec",
         "run/spawn"]  # fmt: skip
BLOCKS = b"".join(b"block %d\n" % number for number in range(5))
PATIENCE = 60.0  # seconds for an answer: under ASan, on a busy machine


class Traffic:
    """Clients in threads until the time is over; any of them that fails is kept in `failures`."""

    def __init__(self, connect: Callable[[], RawClient], forks: list[str], seconds: float) -> None:
        self.connect = connect
        self.forks = forks
        self.until = time.monotonic() + seconds
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []

    def run(self) -> None:
        """Play all parts at once."""
        parts = [self.fork, self.fork, self.keep, self.stream, self.upload, self.leave]
        threads = [
            threading.Thread(target=self._guarded, args=(part, random.Random(number)))
            for number, part in enumerate(parts)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _guarded(self, part: Callable[[random.Random], None], chance: random.Random) -> None:
        try:
            while time.monotonic() < self.until and not self.failures:
                part(chance)
        except Exception as error:
            self.failures.append(f"{part.__name__} after {self.answers}: {error!r}")

    def fork(self, chance: random.Random) -> None:
        """Have the application fork, in some way."""
        how = chance.choice(self.forks)
        with self.connect() as client:
            answer = client.request("GET", f"/{how}", [("Connection", "close")])
            assert answer.status == 200, (how, answer)
            client.expect_end()
        self.answers[how] += 1

    def keep(self, _chance: random.Random) -> None:
        """Ask again and again on one connection."""
        with self.connect() as client:
            for _ in range(50):
                assert client.request("GET", "/").status == 200
                self.answers["keep"] += 1

    def stream(self, _chance: random.Random) -> None:
        """Read a streamed body to its end, and the end of the connection."""
        with self.connect() as client:
            answer = client.request("GET", "/stream", [("Connection", "close")])
            assert answer.body == BLOCKS, answer.body
            client.expect_end()
        self.answers["stream"] += 1

    def upload(self, chance: random.Random) -> None:
        """Send a body in parts, which goes to a file, and have it back."""
        body = chance.randbytes(1 << 16) * 20
        with self.connect() as client:
            head = b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body)
            client.send(head, *(body[at : at + 300_000] for at in range(0, len(body), 300_000)))
            got = client.read_response("POST").body
        assert hashlib.sha256(got).digest() == hashlib.sha256(body).digest()
        self.answers["upload"] += 1

    def leave(self, _chance: random.Random) -> None:
        """Reset a connection whose answer is under way, and one that is idle."""
        with self.connect() as idle, self.connect() as busy:
            idle.request("GET", "/")
            busy.send_request("GET", "/stream")
            busy.reset()
            idle.reset()
        self.answers["leave"] += 1


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_loses_an_answer_while_the_application_forks(
    start_server: Starter, authority: Authority, kind: str
) -> None:
    options = ["--keep-alive", "60", *KINDS[kind]]
    if "TLS" in kind:
        pair = authority.issue("stress")
        options += ["--certfile", str(pair.certificate), "--keyfile", str(pair.key)]
    server = start_server(APP, *options)
    context = authority.client_context()
    workers = server.worker_pids()
    for pid in workers:
        server.forget_descriptors(pid)
    server.expect_alarm("in the child")  # what a child of multiprocessing says when it is ended

    def connect() -> RawClient:
        if "TLS" in kind:
            return TlsClient(server.endpoint, context, timeout=PATIENCE)
        return RawClient(server.endpoint, timeout=PATIENCE)

    # With gevent's patches pipes are non-blocking where multiprocessing does not expect that.
    ways = [how for how in FORKS if how != "process/fork" or kind != "greenlets"]
    traffic = Traffic(connect, ways, SECONDS)
    traffic.run()
    assert traffic.failures == []
    forks = sum(traffic.answers[how] for how in FORKS)
    others = sum(traffic.answers.values()) - forks
    print(f"{kind}: {forks} forks, {others} other answers, none lost {dict(traffic.answers)}")
    assert forks > 0
    assert others > 0
    assert server.worker_pids() == workers
