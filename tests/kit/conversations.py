"""WebSockets that talk while something happens to the server: `with Conversations(url) as talks`.

The server sends each message back.  It may close a WebSocket with 1012 at any time, and then a
message is not answered; the client comes back at once.

Runs in: cli
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from tests.kit.programs import library
from tests.kit.waiting import DEADLINE

library("websockets")

from websockets.exceptions import ConnectionClosed, InvalidMessage  # noqa: E402
from websockets.sync.client import connect  # noqa: E402

CLIENTS: Final = 8
MESSAGES: Final = 20  # of one conversation
PATIENCE: Final = 60.0  # seconds for a client to end
COMES_BACK: Final = 1012


@dataclass
class Talk:
    """What one client has seen: messages that came back, and what went wrong."""

    messages: int = 0
    wrong: list[str] = field(default_factory=list)


class Conversations:
    """Some clients; `talks` has what each has seen, when it is over.  url: begins with ws://."""

    def __init__(self, url: str, *, clients: int = CLIENTS) -> None:
        self.talks: list[Talk] = []
        self._url, self._clients = url, clients
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(clients)
        self._running: list[Future[Talk]] = []

    def __enter__(self) -> Conversations:
        self._running = [self._pool.submit(self._talk) for _ in range(self._clients)]
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self.talks = [one.result(timeout=PATIENCE) for one in self._running]
        self._pool.shutdown()

    def assert_clean(self) -> None:
        """Each has talked, and nothing went wrong."""
        assert [one.wrong for one in self.talks] == [[]] * self._clients
        assert all(one.messages for one in self.talks)

    def _talk(self) -> Talk:
        talk = Talk()
        while not self._over.is_set():
            try:
                with connect(self._url) as socket:
                    for _ in range(MESSAGES):
                        words = f"words {talk.messages}"
                        socket.send(words)
                        assert socket.recv(timeout=DEADLINE) == words
                        talk.messages += 1
            except ConnectionClosed as end:
                if end.rcvd is None or end.rcvd.code != COMES_BACK:
                    talk.wrong.append(repr(end))
            except (OSError, AssertionError, InvalidMessage, TimeoutError) as error:
                talk.wrong.append(repr(error))
        return talk
