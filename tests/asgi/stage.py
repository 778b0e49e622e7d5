"""The client's end of a case: requests to the scenes of tests/apps/asgi_stage, and their notes.

Nothing sleeps.  A scene waits for a cue of the client's, the client for a note of the scene's.

Runs in: cli
"""

from __future__ import annotations

import ast
import itertools
import shutil
import ssl
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.asgi.case import NotOffered
from tests.asgi.servers import Started, Starter
from tests.kit.client import Endpoint, RawClient
from tests.kit.response import Response
from tests.kit.tls import TlsClient
from tests.kit.waiting import wait_until
from tests.kit.websocket import WebSocket

Fields = Iterable[tuple[str, str]]
_numbers = itertools.count(1)


class Stage:
    """What one case has of the server.

    endpoint: of the server that runs asgi_stage:app in one process.  timeout: seconds for each
    wait.  started: the same server, None when somebody else has started it.  starter: starts more
    of its kind, None when nobody can.  context: what a client needs that speaks TLS, None without.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout: float = 10.0,
        started: Started | None = None,
        starter: Starter | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.timeout = timeout
        self.case = f"case-{next(_numbers)}"
        self._started, self._starter, self._context = started, starter, context
        self._log_before = len(started.log.text()) if started is not None else 0
        self._clients: list[RawClient] = []
        self._others: list[Started] = []
        self._stages: list[Stage] = []
        self._directories: list[Path] = []

    def close(self) -> None:
        """Close all connections of the case, end the servers that it has started."""
        for client in self._clients:
            client.close()
        for stage in self._stages:
            stage.close()
        for started in self._others:
            started.end()
        for directory in self._directories:
            shutil.rmtree(directory)
        self._directories.clear()

    # -- asking

    def connect(self) -> RawClient:
        """A connection, closed when the case ends."""
        client = self._new()
        self._clients.append(client)
        return client

    def _new(self) -> RawClient:
        if self._context is None:
            return RawClient(self.endpoint, timeout=self.timeout)
        return TlsClient(self.endpoint, self._context, timeout=self.timeout)

    def head(self, scene: str, *lines: str, method: str = "GET", version: str = "1.1") -> bytes:
        """The bytes of a request without a body, with these field lines."""
        usual = [f"{method} /{scene} HTTP/{version}", "Host: test", f"X-Case: {self.case}"]
        return "\r\n".join([*usual, *lines, "", ""]).encode("latin-1")

    def ask(
        self, scene: str, *lines: str, method: str = "GET", body: bytes | None = None
    ) -> Response:
        """One request on a connection of its own."""
        length = [] if body is None else [f"Content-Length: {len(body)}"]
        with self._new() as client:
            client.send(self.head(scene, *lines, *length, method=method) + (body or b""))
            return client.read_response(method)

    def value(self, scene: str, *lines: str, method: str = "GET", body: bytes | None = None) -> Any:
        """What the scene answers, as the Python value that it is."""
        return value_of(self.ask(scene, *lines, method=method, body=body))

    def send(self, scene: str, *lines: str, method: str = "GET", body: bytes = b"") -> RawClient:
        """A connection on which this request has been sent."""
        client = self.connect()
        client.send(self.head(scene, *lines, method=method) + body)
        return client

    def websocket(self, scene: str, *fields: tuple[str, str]) -> WebSocket:
        """An open WebSocket to the scene."""
        return WebSocket.open(self.connect(), f"/{scene}", [("X-Case", self.case), *fields])

    # -- directing

    def told(self, key: str = "ended") -> dict[str, Any]:
        """The notes of the case as soon as there is one of this name; `ended`: it is over.

        Raises AssertionError when the scene is over without it.
        """
        with self._new() as client:
            response = client.request("GET", f"/recall?{self.case}&{key}")
        found: dict[str, Any] = value_of(response)
        assert key in found, f"the scene has not noted {key!r}: {found}"
        return found

    def cue(self, key: str = "go") -> None:
        """Let the scene go on."""
        with self._new() as client:
            assert client.request("GET", f"/cue?{self.case}&{key}").status == 200

    # -- the server itself

    def needs(self, extension: str, *lines: str) -> None:
        """Raise NotOffered unless the scope of a request with these lines has this extension."""
        if extension not in self.value("scope", *lines)["extensions"]:
            raise NotOffered(f"no {extension} in scope['extensions']")

    def log(self) -> str:
        """What the server has written since the case began."""
        if self._started is None:
            raise NotOffered("nobody knows where its log is")
        return self._started.log.text()[self._log_before :]

    def wait_for_log(self, text: str) -> None:
        """Wait until the server has written this."""
        wait_until(lambda: text in self.log(), lambda: f"{text!r} in {self.log()}", self.timeout)

    def start(self, app: str = "asgi_stage:app", **settings: Any) -> Started:
        """One more server, see servers.Starter."""
        if self._starter is None:
            raise NotOffered("nobody knows how to start another one")
        self._others.append(self._starter.start(app, **settings))
        return self._others[-1]

    def directory(self) -> Path:
        """A new one, which goes when the case is over."""
        self._directories.append(Path(tempfile.mkdtemp(prefix="asgi-case-")))
        return self._directories[-1]

    def afresh(self) -> Stage:
        """The same stage with notes of its own, to play a scene several times."""
        other = Stage(self.endpoint, timeout=self.timeout, context=self._context)
        self._stages.append(other)
        return other

    def on(self, started: Started, context: ssl.SSLContext | None = None) -> Stage:
        """The stage of a server that the case has started."""
        other = Stage(started.endpoint, timeout=self.timeout, started=started, context=context)
        self._stages.append(other)
        return other


def value_of(response: Response) -> Any:
    """The value that the body says."""
    assert response.status == 200, response.raw[:500]
    return ast.literal_eval(response.text)
