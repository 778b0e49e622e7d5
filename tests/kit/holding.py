"""Requests that stay in the application of a real server until the test lets them go.

Runs in: cli
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.kit.client import RawClient
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

APP = "threaded:app"


class Holder:
    """A server with tests/apps/threaded.py, and the requests that it holds.

    start: the fixture start_server.
    """

    def __init__(
        self, start: Callable[..., RunningServer], folder: Path, *options: str, **more: Any
    ) -> None:
        self.folder = folder
        self._names = 0
        env = {"THREADED_DIR": str(folder)}
        options = ("--keep-alive", "60", *options)
        self.server = start(APP, *options, env=env, **more)

    def hold(self, client: RawClient | None = None) -> Held:
        """Send a request that stays in the application; returns when it is there."""
        client = client or self.server.connect()
        held = self.send(client)
        wait_until(lambda: held.is_there, "a request is in the application")
        return held

    def send(self, client: RawClient) -> Held:
        """Send one without waiting for anything."""
        self._names += 1
        client.send_request("GET", f"/hold/{self._names}")
        return Held(self.folder / str(self._names), client)

    def fill(self, count: int) -> list[Held]:
        """Hold so many requests, each on a connection of its own."""
        return [self.hold() for _ in range(count)]

    def on_worker(self, pid: int) -> RawClient:
        """A kept-alive connection that this worker has served.

        Those that others serve stay open meanwhile: the workers share what comes evenly.
        """
        others: list[RawClient] = []

        def found() -> RawClient | None:
            client = self.server.connect()
            if where(client)["pid"] == pid:
                return client
            others.append(client)
            return None

        try:
            client = wait_until(found, f"worker {pid} serves")
            assert client is not None
            return client
        finally:
            for other in others:
                other.close()


class Held:
    """One of them.  file: is there while it is in the application or was."""

    def __init__(self, file: Path, client: RawClient) -> None:
        self.file = file
        self.client = client

    @property
    def is_there(self) -> bool:
        """Whether it has entered the application."""
        return self.file.exists()

    def release(self) -> dict[str, Any]:
        """Let it go and read its answer."""
        self.let_go()
        return facts_of(self.client)

    def let_go(self) -> None:
        """Let it go."""
        self.file.with_name(f"{self.file.name}.go").touch()


def where(client: RawClient) -> dict[str, Any]:
    """Who answers on this connection, and what it knows of it."""
    client.send_request("GET", "/where")
    return facts_of(client)


def facts_of(client: RawClient) -> dict[str, Any]:
    """What an answer says, which comes next."""
    found: dict[str, Any] = json.loads(client.read_response().body)
    return found
