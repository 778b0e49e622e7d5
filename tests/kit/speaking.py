"""An application that speaks on the socket of a request, for a hub in the process of the test.

Runs in: worker
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tests.kit.blocks import path
from tests.kit.inproc import HubClient, Served

UPGRADE = b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: capitals\r\n\r\n"
PLAIN = b"GET /ws HTTP/1.1\r\nHost: h\r\n\r\n"


class Speaking:
    """Has `speak(sock)` called with the `gunicorn.socket` of /ws, and answers all else.

    Then it raises `ending`, or returns a response that nobody must get.
    """

    def __init__(self, speak: Callable[[Any], Any], ending: BaseException | None = None) -> None:
        self.speak = speak
        self.ending = ending
        self.said: Any = None
        self.sock: Any = None

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/ws":
            return path(environ, start_response)
        self.sock = environ["gunicorn.socket"]
        self.said = self.speak(self.sock)
        if self.ending is not None:
            raise self.ending
        start_response("500 Nobody Sees This", [("Content-Length", "3")])
        return [b"bad"]


def gone(served: Served) -> None:
    served.turn_until(lambda: served.hub.connections.count == 0, "no connection is left")


def end(served: Served, client: HubClient) -> None:
    """The server has said that it sends no more; the client does too."""
    client.expect_end()
    client.close()
    gone(served)
