"""Clients of tests/apps/meddling.py: each answer is somebody's alone and whole, whatever the
threads of the application do.

Runs in: cli
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable

from tests.kit.client import RawClient
from tests.kit.response import ConnectionEnded, ServerReset

BLOCK = 100  # times the token, as in the application
ALPHABET = "abcdefghijklmnopqrstuvwxyz"
# Kinds of request, and whether their answer may be cut: the application took the socket.
KINDS = {
    "writing": False,
    "measured": False,
    "hinting": False,
    "starting": False,
    "reading": False,
    "filed": False,
    "socketed": False,
    "taken": True,
    "finalized": False,
    "signalled": False,
}

Connect = Callable[[], RawClient]


class Meddling:
    """Some clients that provoke, and some that only want their answers, for `seconds`.

    `found` counts answers by kind.  What is wrong is raised by `run`, the first of it.
    """

    def __init__(self, connect: Connect, seconds: float, seed: int = 1) -> None:
        self.connect = connect
        self.until = time.monotonic() + seconds
        self.seed = seed
        self.found: Counter[str] = Counter()
        self.wrong: list[BaseException] = []

    def run(self, provoking: int = 4, standing_by: int = 2) -> None:
        """Returns when the time is over."""
        work = [self._provoke] * provoking + [self._stand_by] * standing_by
        threads = [
            threading.Thread(target=self._guarded, args=(one, self.seed * 1000 + number))
            for number, one in enumerate(work)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.wrong:
            raise self.wrong[0]

    def _guarded(self, work: Callable[[random.Random], None], seed: int) -> None:
        try:
            work(random.Random(seed))
        except BaseException as error:
            self.wrong.append(error)

    def _goes_on(self) -> bool:
        return time.monotonic() < self.until and not self.wrong

    def _stand_by(self, chance: random.Random) -> None:
        """A bystander: one connection, and every answer on it."""
        with self.connect() as client:
            while self._goes_on():
                token = _token(chance)
                answer = client.request("GET", f"/quick/{token}")
                assert answer.status == 200, answer
                assert answer.body == token.encode() * BLOCK, _foreign(answer.body, token)
                self.found["quick"] += 1

    def _provoke(self, chance: random.Random) -> None:
        while self._goes_on():
            with self.connect() as client:
                for _ in range(chance.randrange(1, 6)):
                    kind = chance.choice([*KINDS])
                    if not self._ask(client, kind, _token(chance)) or not self._goes_on():
                        break

    def _ask(self, client: RawClient, kind: str, token: str) -> bool:
        """Whether the connection stays."""
        body = token.encode() * 3000 if kind == "reading" else None
        try:
            answer = client.request("POST" if body else "GET", f"/{kind}/{token}", body=body)
        except (ConnectionEnded, ServerReset, ConnectionResetError):
            if not KINDS[kind]:
                raise
            self.found[f"{kind}, cut"] += 1
            return False
        self.found[f"{kind}, {answer.status}"] += 1
        assert all(hint.status == 103 for hint in answer.interim), answer.interim
        if answer.status == 200:
            left = answer.body.replace(token.encode() * BLOCK, b"")
            assert not left, _foreign(left, token)
        else:
            assert answer.status == 500, answer
        return not answer.closes and kind != "taken"  # its threads are still at the socket


def _token(chance: random.Random) -> str:
    """Four letters that no other token is likely to have."""
    return "".join(chance.choices(ALPHABET, k=4))


def _foreign(body: bytes, token: str) -> str:
    return f"among {token!r} there is {body[:200]!r}"
