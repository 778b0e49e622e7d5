"""Frameworks of ASGI on `-k asgi`, driven by httpx and websockets.

Runs in: cli
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.programs import library
from tests.kit.server import APPS, RunningServer
from tests.kit.waiting import DEADLINE, wait_until

for name in ("channels", "fastapi", "httpx", "litestar", "quart", "sse_starlette", "starlette"):
    library(name)

import httpx  # noqa: E402
from websockets.exceptions import ConnectionClosed, InvalidStatus  # noqa: E402
from websockets.sync.client import ClientConnection, connect  # noqa: E402

Borrow = Callable[..., RunningServer]
KINDS = ("django", "fastapi", "litestar", "quart", "starlette")
UPLOAD = hashlib.sha256(b"seed").digest() * 32768  # 1 MiB
DIGEST = hashlib.sha256(UPLOAD).hexdigest()
STREAMED = b"".join(f"piece {number}\n".encode() for number in range(50))


class Served:
    """A running application and a client of it."""

    def __init__(self, server: RunningServer, client: Any) -> None:
        self.server, self.client = server, client
        self.get, self.post = client.get, client.post

    def socket(self, path: str = "/ws", **how: Any) -> ClientConnection:
        """A WebSocket; the caller closes it."""
        return connect(self.server.url.replace("http", "ws", 1) + path, **how)


@pytest.fixture
def serve(borrow_server: Borrow) -> Iterator[Callable[[str], Served]]:
    clients: list[Any] = []

    def started(kind: str) -> Served:
        server = borrow_server(f"asgi_{kind}:app", "-k", "asgi")
        clients.append(httpx.Client(base_url=server.url, trust_env=False, timeout=DEADLINE))
        server.forget_descriptors(server.worker_pids()[0])  # of what frameworks open once
        return Served(server, clients[-1])

    yield started
    for client in clients:
        client.close()


@pytest.fixture(params=KINDS)
def served(request: pytest.FixtureRequest, serve: Callable[[str], Served]) -> Served:
    return serve(request.param)


@pytest.fixture
def fastapi(serve: Callable[[str], Served]) -> Served:
    return serve("fastapi")


@pytest.fixture
def starlette(serve: Callable[[str], Served]) -> Served:
    return serve("starlette")


@pytest.fixture
def django(serve: Callable[[str], Served]) -> Served:
    return serve("django")


# -- all of them


def test_get_with_a_query_is_answered_many_times_on_one_connection(served: Served) -> None:
    for number in range(30):
        answer = served.get("/hello", params={"name": f"Zoë & {number}"})
        assert (answer.status_code, answer.json()["hello"]) == (200, f"Zoë & {number}")


def test_json_comes_back(served: Served) -> None:
    sent = {"list": [1, 2.5, None, True], "text": "ünï", "nested": {"a": {"b": []}}}
    assert served.post("/json", json=sent).json() == sent


@pytest.mark.parametrize("way", ["whole", "chunked"])
def test_upload_of_a_mebibyte_arrives_whole(served: Served, way: str) -> None:
    pieces = (UPLOAD[at : at + 50_000] for at in range(0, len(UPLOAD), 50_000))
    fields = {"Content-Type": "application/octet-stream"}
    answer = served.post("/upload", content=UPLOAD if way == "whole" else pieces, headers=fields)
    assert answer.json() == {"size": len(UPLOAD), "sha256": DIGEST}


def test_stream_arrives_whole_and_chunked(served: Served) -> None:
    answer = served.get("/stream", headers={"Accept-Encoding": "identity"})
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.content == STREAMED


def test_web_socket_echoes(served: Served) -> None:
    with served.socket() as socket:
        for words in ("hello", "ünï", "x" * 100_000, ""):
            socket.send(words)
            assert socket.recv(timeout=DEADLINE) == words


def test_exception_is_500_and_the_next_request_is_answered(served: Served) -> None:
    if "litestar" not in str(served.server.process.args):  # which logs nothing
        served.server.expect_alarm("Traceback")
    answer = served.get("/boom")
    assert answer.status_code == 500
    assert "on purpose" not in answer.text
    assert served.get("/hello").status_code == 200


def test_path_that_is_not_there_is_404_and_its_web_socket_is_refused(served: Served) -> None:
    assert served.get("/missing").status_code == 404
    if "django" in str(served.server.process.args):
        served.server.expect_alarm("No route found for path")
    with pytest.raises((InvalidStatus, ConnectionClosed)), served.socket("/missing") as socket:
        socket.recv(timeout=DEADLINE)


# -- FastAPI


def test_state_of_the_lifespan_is_there(fastapi: Served) -> None:
    assert fastapi.get("/hello").json()["state"] == "from the lifespan"


def test_plain_functions_run_in_threads(fastapi: Served) -> None:
    assert fastapi.get("/threads").json() == {"main": False}
    assert fastapi.get("/plain-stream").content == STREAMED


def test_file_of_a_form_arrives_whole(fastapi: Served) -> None:
    answer = fastapi.post("/form", files={"file": ("seed.bin", UPLOAD)})
    assert answer.json() == {"size": len(UPLOAD), "sha256": DIGEST}


def test_programs_and_connections_of_the_application_use_the_loop(fastapi: Served) -> None:
    for _ in range(3):
        assert fastapi.get("/program").json() == {"code": 0, "told": "cba"}
        assert fastapi.get("/connection").json() == {"told": "HELLO\n"}


def test_task_groups_cancel_scopes_and_threads_work(fastapi: Served) -> None:
    found = ["EXECUTOR", "ONE", "THREE", "TO_THREAD", "TWO"]
    assert fastapi.get("/group").json() == {"found": found, "cut": True}


def test_file_is_answered_with_its_length_whole_and_in_part(fastapi: Served) -> None:
    whole = Path(APPS / "asgi_fastapi.py").read_bytes()
    answer = fastapi.get("/file")
    assert answer.headers["Content-Length"] == str(len(whole))
    assert answer.content == whole
    part = fastapi.get("/file", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole[10:20])
    head = fastapi.client.head("/file")
    assert head.status_code in (200, 405)


# -- Starlette


def test_middlewares_see_every_response(starlette: Served) -> None:
    for path in ("/hello", "/stream", "/file"):
        answer = starlette.get(path)
        assert (answer.headers["X-Outer"], answer.headers["X-Inner"]) == ("yes", "yes"), path
    assert starlette.get("/stream").content == STREAMED
    assert starlette.get("/file").content == Path(APPS / "asgi_starlette.py").read_bytes()


def test_background_task_ends_after_its_response(starlette: Served) -> None:
    assert starlette.get("/background").json() == {"ok": True}
    wait_until(lambda: starlette.get("/facts").json()["done"], "the background task has ended")


def test_events_stop_when_their_client_leaves(starlette: Served) -> None:
    with starlette.client.stream("GET", "/events") as answer:
        lines = answer.iter_lines()
        assert [next(lines) for _ in range(3)] == ["event: count", "data: 0", ""]
    wait_until(lambda: starlette.get("/facts").json()["left"], "the stream has ended")


def test_subprotocol_is_chosen(starlette: Served) -> None:
    with starlette.socket(subprotocols=["chat.v2", "chat.v1"]) as socket:
        assert socket.subprotocol == "chat.v2"


# -- Django


def test_plain_view_runs_in_a_thread(django: Served) -> None:
    assert django.get("/plain").json() == {"hello": "from a thread"}


def test_view_is_cancelled_when_its_client_leaves(django: Served) -> None:
    with pytest.raises(httpx.ReadTimeout):
        django.get("/waiting", timeout=0.2)
    wait_until(lambda: "waiting" in django.get("/facts").json()["left"], "the view is cancelled")


def test_group_of_channels_reaches_all_and_consumers_are_told_of_the_end(django: Served) -> None:
    with django.socket() as first, django.socket() as second:
        second.send("here")
        assert second.recv(timeout=DEADLINE) == "here"
        first.send("to all")
        assert [one.recv(timeout=DEADLINE) for one in (first, second)] == ["to all"] * 2
        first.close(4001)
    wait_until(lambda: "socket 4001" in django.get("/facts").json()["left"], "it is told of 4001")


# -- python-socketio


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], ["polling", "websocket"]])
def test_socket_io_talks_in_rooms(serve: Callable[[str], Served], transports: list[str]) -> None:
    library("socketio")
    import socketio

    url = serve("socketio").server.url
    said: list[str] = []
    with socketio.SimpleClient() as first, socketio.SimpleClient() as second:
        for client in (first, second):
            client.connect(url, transports=transports)
        assert first.call("echo", {"a": b"bytes"}, timeout=DEADLINE) == {"a": b"bytes"}
        assert second.call("enter", "kitchen", timeout=DEADLINE) == "you are in kitchen"
        first.emit("say", {"room": "kitchen", "text": "dinner"})
        said += second.receive(timeout=DEADLINE)
        assert {first.transport, second.transport} == {transports[-1]}
    assert said == ["said", "dinner"]
