"""What is answered at `admin_bind`: a small WSGI application.

Over TCP it only tells.  CONTROL in the environ is true on a Unix socket; there it also hands
wishes to the arbiter.

Runs in: worker (in the process of `admin_bind`)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from fastfork.ipc import Scoreboard
from fastfork.metrics import prometheus
from fastfork.metrics.admin import page
from fastfork.metrics.admin.history import History
from fastfork.metrics.admin.status import status
from fastfork.metrics.reading import Reading, read
from fastfork.records import record

if TYPE_CHECKING:
    from wsgiref.types import StartResponse

__all__ = ["CONTROL", "AdminApp"]

CONTROL: Final = "fastfork.admin_control"
TEXT: Final = "text/plain; charset=utf-8"
ACCEPTED: Final = "202 Accepted"
FORM_BYTES: Final = 1024
FIELDS: Final = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", page.POLICY),
)


@record(frozen=True)
class Answer:
    """status: the line.  kind: of the content.  allow: the methods, in an answer 405."""

    status: str
    body: bytes
    kind: str = TEXT
    allow: str = ""


class AdminApp:
    """board: what is looked at.  tell(wish) -> whether the arbiter will hear of it.

    name: of the server, for the page.
    """

    def __init__(self, board: Scoreboard, tell: Callable[[str], bool], name: str) -> None:
        self._board = board
        self._tell = tell
        self._name = name
        self._history = History()
        self._exposition: prometheus.Exposition | None = None

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """PEP 3333."""
        answer = self.answer(environ)
        fields = [("Content-Type", answer.kind), ("Content-Length", str(len(answer.body)))]
        if answer.allow:
            fields.append(("Allow", answer.allow))
        start_response(answer.status, [*fields, *FIELDS])
        return [answer.body]

    def answer(self, environ: dict[str, Any]) -> Answer:
        """Answer by path and method."""
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if path in CONTROLS and environ.get(CONTROL):
            if method != "POST":
                return _text("405 Method Not Allowed", f"{path} takes POST", allow="POST")
            return CONTROLS[path](self, environ)
        if path not in PAGES:
            there = ", ".join(PAGES)
            return _text("404 Not Found", f"There is nothing here; there is: {there}")
        if method not in ("GET", "HEAD"):
            return _text("405 Method Not Allowed", f"{path} takes GET", allow="GET, HEAD")
        return PAGES[path](self, environ)

    def sample(self) -> None:
        """Remember how things are; called about once a second."""
        self._history.add(self.look())

    def look(self) -> Reading:
        """Return how things are."""
        return read(self._board)

    # -- what is told

    def _page(self, environ: dict[str, Any]) -> Answer:
        reading = self.look()
        points = self._history.points(reading.at)
        part = page.main(reading, points, self._history.lately(10.0))
        if environ["QUERY_STRING"] != "part=main":
            part = page.whole(self._name, part, with_metrics=prometheus.is_installed())
        return Answer("200 OK", part.encode(), "text/html; charset=utf-8")

    def _metrics(self, environ: dict[str, Any]) -> Answer:
        if self._exposition is None:
            if not prometheus.is_installed():
                return _text("501 Not Implemented", prometheus.MISSING)
            self._exposition = prometheus.Exposition(self.look)
        kind, text = self._exposition.write(environ.get("HTTP_ACCEPT", ""))
        return Answer("200 OK", text, kind)

    def _status(self, _environ: dict[str, Any]) -> Answer:
        reading = self.look()
        found = status(reading, self._history.lately(10.0))
        text = json.dumps({"name": self._name, **found}, indent=1)
        return Answer("200 OK", text.encode() + b"\n", "application/json")

    def _live(self, _environ: dict[str, Any]) -> Answer:
        reading = self.look()
        if reading.is_alive:
            return _text("200 OK", "alive")
        silent = f"the arbiter has been silent for {reading.arbiter_silent:.0f} s"
        return _text("503 Service Unavailable", silent)

    def _ready(self, _environ: dict[str, Any]) -> Answer:
        reading = self.look()
        if reading.is_ready:
            return _text("200 OK", "ready")
        state = reading.state.name.lower()
        serving = sum(worker.serves for worker in reading.workers)
        return _text("503 Service Unavailable", f"{state}, {serving} workers serve")

    # -- what is wished for

    def _scale(self, environ: dict[str, Any]) -> Answer:
        most = self._board.capacity // 2
        count = _form(environ).get("workers", "")
        if not (count.isascii() and count.isdecimal() and 1 <= int(count[:9]) <= most):
            advice = f"workers: {count!r} is no number from 1 to {most}; POST /scale?workers=4"
            return _text("400 Bad Request", advice)
        return self._wish(f"scale {int(count[:9])}")

    def _wish(self, wish: str) -> Answer:
        if self._tell(wish):
            return _text(ACCEPTED, f"{wish}: asked for")
        return _text("503 Service Unavailable", f"{wish}: the arbiter does not listen now")


Handler = Callable[[AdminApp, dict[str, Any]], Answer]

PAGES: Final[Mapping[str, Handler]] = MappingProxyType(
    {
        "/": AdminApp._page,
        "/metrics": AdminApp._metrics,
        "/status.json": AdminApp._status,
        "/livez": AdminApp._live,
        "/readyz": AdminApp._ready,
    }
)
CONTROLS: Final[Mapping[str, Handler]] = MappingProxyType(
    {
        "/scale": AdminApp._scale,
        "/reload": lambda app, _environ: app._wish("reload"),
        "/reopen": lambda app, _environ: app._wish("reopen"),
        "/drain": lambda app, _environ: app._wish("drain"),
    }
)


def _text(status_line: str, text: str, *, allow: str = "") -> Answer:
    return Answer(status_line, text.encode() + b"\n", allow=allow)


def _form(environ: dict[str, Any]) -> dict[str, str]:
    """Return the fields of the query, and of a form in the body; the last of a name."""
    body = environ["wsgi.input"].read(FORM_BYTES).decode("ascii", "replace")
    found: dict[str, str] = {}
    for text in (environ["QUERY_STRING"], body):
        fields = parse_qs(text[:FORM_BYTES], max_num_fields=8)
        found |= {name: values[-1] for name, values in fields.items()}
    return found
