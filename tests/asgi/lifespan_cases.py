"""The lifespan: servers with applications that start and end in all ways.

Runs in: cli
"""

from __future__ import annotations

from tests.asgi.case import Group
from tests.asgi.servers import Started
from tests.asgi.stage import Stage
from tests.kit.client import RawClient
from tests.kit.waiting import wait_until

group = Group("lifespan")
rule, wish = group.rule, group.wish
LIMIT = 20.0  # seconds


class Life:
    """A server with one of asgi_lifespans, and the lines that this has written."""

    def __init__(self, stage: Stage, app: str, **settings: str) -> None:
        self.path = stage.directory() / "lines"
        self.path.touch()
        self.started: Started = stage.start(
            f"asgi_lifespans:{app}", env={"LIFESPAN_FILE": str(self.path)}, **settings
        )

    @property
    def lines(self) -> list[str]:
        return self.path.read_text().split("\n")[:-1]

    def connect(self) -> RawClient:
        return RawClient(self.started.endpoint)

    def hello(self) -> None:
        with self.connect() as client:
            assert client.request("GET", "/").body == b"hello"

    def end(self) -> int:
        """Send SIGTERM; the exit code."""
        self.started.terminate()
        return self.started.wait()

    def wait_for_log(self, text: str) -> None:
        log = self.started.log
        wait_until(lambda: text in log.text(), lambda: f"{text!r} in:\n{log.text()}", LIMIT)


@rule
def startup_comes_before_requests_and_shutdown_after(stage: Stage) -> None:
    """lifespan: A server must wait for this message before it starts processing connections; Sent
    to the application when the server has stopped accepting connections and closed all."""
    life = Life(stage, "usual")
    life.hello()
    assert life.end() in (0, -15)
    assert life.lines == [
        "lifespan.startup", "started", "request", "answered", "lifespan.shutdown", "cleaned",
    ]  # fmt: skip


@wish
def shutdown_waits_for_the_last_request(stage: Stage) -> None:
    """lifespan: Sent to the application when the server has stopped accepting connections and
    closed all active connections; and these had the time to end well (granian 547)."""
    life = Life(stage, "usual")
    with life.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\na")
        wait_until(lambda: "request" in life.lines, "the request has begun", LIMIT)
        life.started.terminate()
        wait_until(lambda: refuses(life), "nobody new is let in", LIMIT)
        client.send(b"b")
        assert client.read_response().body == b"hello"
    life.started.wait()
    assert life.lines[-3:] == ["answered", "lifespan.shutdown", "cleaned"]


@wish
def last_answer_says_that_the_connection_ends(stage: Stage) -> None:
    """RFC 9112 section 9.6: A server that initiates a close of the connection SHOULD send the
    "close" connection option in its final response (gunicorn 2567, 3737)."""
    life = Life(stage, "usual")
    with life.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\na")
        wait_until(lambda: "request" in life.lines, "the request has begun", LIMIT)
        life.started.terminate()
        wait_until(lambda: refuses(life), "nobody new is let in", LIMIT)
        client.send(b"b")
        assert client.read_response().closes


def refuses(life: Life) -> bool:
    try:
        RawClient(life.started.endpoint, timeout=1.0).close()
    except OSError:  # also when nobody answers
        return True
    return False


@rule
def failed_startup_ends_the_server_with_its_message(stage: Stage) -> None:
    """lifespan: Startup Failed: If a server sees this it should log/print the message provided and
    then exit."""
    life = Life(stage, "failing", ready="no")
    life.wait_for_log("no database at db.example")
    life.started.wait()
    assert life.lines == []


@wish
def failed_startup_is_an_exit_code_that_says_so(stage: Stage) -> None:
    """lifespan: log the message and then exit; supervisors look at the code (hypercorn: 0)."""
    assert Life(stage, "failing", ready="no").started.wait() != 0


@rule
def application_that_raises_has_no_lifespan(stage: Stage) -> None:
    """lifespan: If an exception is raised when calling the application callable with a
    `lifespan.startup` message or a scope with type `lifespan`, the server must continue but not
    send any lifespan events."""
    life = Life(stage, "raising")
    life.hello()
    life.end()
    assert life.lines == ["called", "request", "answered"]


@rule
def application_that_raises_later_has_no_lifespan(stage: Stage) -> None:
    """lifespan: when calling the application callable with a `lifespan.startup` message: the server
    must continue."""
    life = Life(stage, "raising_later")
    life.hello()


@wish
def application_without_lifespan_is_no_noise(stage: Stage) -> None:
    """lifespan: This allows for compatibility with applications that do not support the lifespan
    protocol; Django's is one (granian 153, 173)."""
    life = Life(stage, "raising")
    life.hello()
    text = life.started.log.text()
    assert "Traceback" not in text
    assert "ERROR" not in text


@wish
def application_that_returns_has_no_lifespan(stage: Stage) -> None:
    """lifespan: compatibility with applications that do not support the lifespan protocol: some
    return from what they do not know."""
    life = Life(stage, "leaving")
    life.hello()
    life.end()
    assert life.lines == ["request", "answered"]


@wish
def lifespan_that_is_off_is_not_called(stage: Stage) -> None:
    """uvicorn's and gunicorn's option: --lifespan off."""
    life = Life(stage, "usual", lifespan="off")
    life.hello()
    life.end()
    assert life.lines == ["request", "answered"]


@wish
def lifespan_that_is_on_must_be_there(stage: Stage) -> None:
    """uvicorn's and gunicorn's option: --lifespan on."""
    life = Life(stage, "raising", lifespan="on", ready="no")
    life.wait_for_log("NotImplementedError")
    assert life.started.wait() != 0


@rule
def failed_shutdown_ends_the_server_with_its_message(stage: Stage) -> None:
    """lifespan: Shutdown Failed: If a server sees this it should log/print the message provided and
    then terminate."""
    life = Life(stage, "failing_at_the_end")
    life.hello()
    life.end()
    life.wait_for_log("a pool is still open")


@rule
def exception_in_the_shutdown_does_not_keep_the_server(stage: Stage) -> None:
    """asgi: Servers are free to surface errors that bubble up out of application instances; they
    must terminate the application instance."""
    life = Life(stage, "raising_at_the_end")
    life.hello()
    life.end()


@wish
def application_of_two_callables_is_served(stage: Stage) -> None:
    """asgi: Legacy Applications: servers should try to support it; Servers are encouraged to
    support both types."""
    life = Life(stage, "Double")
    life.hello()
    life.end()
    assert life.lines[-1] == "cleaned"
