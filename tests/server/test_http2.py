"""HTTP/2 over sockets: what applications are given, and how answers come."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

pytest.importorskip("fastfork._core.http.http2")

from tests.conftest import Starter
from tests.http2.wire import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    GOAWAY,
    HEADERS,
    INITIAL_WINDOW_SIZE,
    INTERNAL_ERROR,
    MAX_CONCURRENT_STREAMS,
    MAX_FRAME_SIZE,
    MAX_HEADER_LIST_SIZE,
    PING,
    PROTOCOL_ERROR,
    REFUSED_STREAM,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Conversation,
    SocketTransport,
    frame,
    number,
)
from tests.kit.programs import program
from tests.kit.server import RunningServer
from tests.kit.tls import NAME, Authority
from tests.kit.waiting import wait_until

H2C = ("--http-protocols", "h2,h1", "--http2-cleartext", "prior-knowledge")


Talk = Callable[[RunningServer], Conversation]


@pytest.fixture
def talk() -> Iterator[Talk]:
    """Makes connections that have said what HTTP/2 begins with."""
    socks = []

    def make(server: RunningServer) -> Conversation:
        host, port = server.endpoint
        sock = socket.create_connection((host, port), timeout=10)
        socks.append(sock)
        made = Conversation(SocketTransport(sock))
        made.begin()
        return made

    yield make
    for sock in socks:
        sock.close()


def client(server: RunningServer) -> httpx.Client:
    return httpx.Client(base_url=server.url, http1=False, http2=True, timeout=10)


def test_environ_of_a_request(start_server: Starter) -> None:
    server = start_server("h2_stage:app", *H2C)
    with client(server) as over_h2:
        got = over_h2.get("/environ?a=%20b", headers=[("cookie", "a=1"), ("cookie", "b=2")])
    assert got.http_version == "HTTP/2"
    environ = got.json()
    host, port = server.endpoint
    assert environ["SERVER_PROTOCOL"] == "HTTP/2.0"
    assert environ["HTTP_HOST"] == f"{host}:{port}"
    assert environ["QUERY_STRING"] == "a=%20b"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["wsgi.input_terminated"] is True
    assert "HTTP_TRANSFER_ENCODING" not in environ
    assert "CONTENT_LENGTH" not in environ


def test_scope_of_a_request(start_server: Starter) -> None:
    server = start_server("h2_stage:asgi", "-k", "asgi", *H2C)
    with client(server) as over_h2:
        scope = over_h2.get("/scope").json()
    assert scope["http_version"] == "2"
    assert scope["scheme"] == "http"
    names = [name for name, _ in scope["headers"]]
    assert names[0] == "host"
    assert not any(name.startswith(":") for name in names)


@pytest.mark.parametrize("kind", [(), ("--threads", "4"), ("-k", "gevent")])
def test_answers_of_every_form(start_server: Starter, kind: tuple[str, ...]) -> None:
    server = start_server("h2_stage:app", *H2C, *kind)
    with client(server) as over_h2:
        assert over_h2.get("/large/3000000").content == b"x" * 3_000_000
        assert over_h2.get("/stream").text == "".join(f"part {n}\n" for n in range(5))
        assert over_h2.get("/write").content == bytes(4_000_000)
        assert over_h2.get("/none").status_code == 204
        assert over_h2.head("/large/50").headers["content-length"] == "50"
        assert over_h2.post("/echo", content=b"y" * 2_000_000).content == b"y" * 2_000_000
        parts = (b"z" * 70_000 for _ in range(30))
        assert over_h2.post("/echo", content=parts).content == b"z" * 2_100_000


def test_bodies_of_an_asgi_application_come_and_go(start_server: Starter) -> None:
    server = start_server("h2_stage:asgi", "-k", "asgi", *H2C)
    with client(server) as over_h2:
        assert over_h2.post("/", content=b"y" * 2_000_000).content == b"y" * 2_000_000
        assert over_h2.get("/stream").text == "".join(f"part {n}\n" for n in range(5))
        assert over_h2.get("/large/3000000").content == b"x" * 3_000_000


def test_hints_come_first(start_server: Starter, talk: Talk) -> None:
    server = start_server("h2_stage:app", *H2C)
    over_h2 = talk(server)
    over_h2.say(over_h2.ask(1, "GET", "/hints"))
    over_h2.expect_answer(1)
    assert [head[":status"] for head in over_h2.heads[1]] == ["103", "200"]
    assert over_h2.heads[1][0]["link"] == "</a.css>; rel=preload"


@pytest.mark.parametrize("kind", [(), ("--threads", "2"), ("-k", "gevent"), ("-k", "asgi")])
def test_body_that_is_cut_is_seen_to_be(
    start_server: Starter, talk: Talk, kind: tuple[str, ...]
) -> None:
    app = "h2_stage:asgi" if "asgi" in kind else "h2_stage:app"
    server = start_server(app, *H2C, *kind)
    server.expect_alarm("planned: the body is cut")
    over_h2 = talk(server)
    over_h2.say(over_h2.ask(1, "GET", "/cut"))
    over_h2.expect(lambda: bool(over_h2.of(RST_STREAM, 1)))
    assert over_h2.of(RST_STREAM, 1)[0].code == INTERNAL_ERROR
    assert not over_h2.has_ended(1)
    over_h2.expect_service(3)


@pytest.mark.parametrize("kind", [("--threads", "4"), ("-k", "gevent"), ("-k", "asgi")])
def test_slow_stream_holds_up_no_quick_one(
    start_server: Starter, talk: Talk, kind: tuple[str, ...]
) -> None:
    app = "h2_stage:asgi" if "asgi" in kind else "h2_stage:app"
    server = start_server(app, *H2C, *kind)
    over_h2 = talk(server)
    over_h2.say(
        over_h2.ask(1, "GET", "/sleep/1"), over_h2.ask(3), over_h2.ask(5, "GET", "/sleep/1")
    )
    over_h2.expect_answer(3)
    assert over_h2.status(1) is None
    over_h2.expect_answer(1)
    over_h2.expect_answer(5)


def test_request_that_waits_for_a_thread_for_too_long_is_answered_503(
    start_server: Starter, talk: Talk
) -> None:
    server = start_server("h2_stage:app", *H2C, "--queue-timeout", "300ms")
    over_h2 = talk(server)
    over_h2.say(over_h2.ask(1, "GET", "/sleep/1.5"))
    over_h2.say(over_h2.ask(3))
    over_h2.expect_answer(3, 503)
    over_h2.expect_answer(1)


def test_reset_request_is_never_called_when_it_waits(start_server: Starter, talk: Talk) -> None:
    server = start_server("h2_stage:app", *H2C, "--access-logfile", "-")
    over_h2 = talk(server)
    over_h2.say(over_h2.ask(1, "GET", "/sleep/0.5"), over_h2.ask(3, "GET", "/reset"),
                frame(RST_STREAM, 0, 3, number(8)), over_h2.ask(5, "GET", "/other"))  # fmt: skip
    over_h2.expect_answer(5)
    server.log.wait_for("GET /other HTTP/2.0")
    assert "GET /reset" not in server.log.text()


def test_http1_is_spoken_beside(start_server: Starter, talk: Talk) -> None:
    server = start_server("h2_stage:app", *H2C)
    talk(server).expect_service(1)
    assert server.get("/").status == 200


def test_strangers_do_not_get_it_in_the_clear(start_server: Starter) -> None:
    server = start_server("h2_stage:app", *H2C, "--forwarded-allow-ips", "192.0.2.1")
    host, port = server.endpoint
    with socket.create_connection((host, port), timeout=10) as sock:
        sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS))
        assert sock.recv(100).startswith(b"HTTP/1.1 ")


def test_preface_in_two_parts(start_server: Starter) -> None:
    server = start_server("h2_stage:app", *H2C)
    host, port = server.endpoint
    with socket.create_connection((host, port), timeout=10) as sock:
        sock.sendall(b"PRI * HTTP/2.0\r\n\r\nS")
        server.get("/")  # it has been read by then
        sock.sendall(b"M\r\n\r\n" + frame(SETTINGS))
        over_h2 = Conversation(SocketTransport(sock))
        over_h2.expect_service(1)


@pytest.mark.effect(
    "http_protocols", "http2_cleartext", "http2_max_concurrent_streams",
    "http2_initial_window_size", "http2_max_frame_size", "http2_max_header_list_size",
)  # fmt: skip
def test_settings_are_said_and_kept(start_server: Starter, talk: Talk) -> None:
    server = start_server(
        "h2_stage:app", *H2C, "--http2-max-concurrent-streams", "7",
        "--http2-initial-window-size", "70000", "--http2-max-frame-size", "20000",
        "--http2-max-header-list-size", "300",
    )  # fmt: skip
    over_h2 = talk(server)
    payload = over_h2.of(SETTINGS)[0].payload
    said = {payload[i : i + 2]: payload[i + 2 : i + 6] for i in range(0, len(payload), 6)}
    assert said[number(MAX_CONCURRENT_STREAMS)[2:]] == number(7)
    assert said[number(INITIAL_WINDOW_SIZE)[2:]] == number(70000)
    assert said[number(MAX_FRAME_SIZE)[2:]] == number(20000)
    assert said[number(MAX_HEADER_LIST_SIZE)[2:]] == number(300)
    over_h2.say(over_h2.ask(1, "POST", "/echo", flags=END_HEADERS),
                frame(DATA, END_STREAM, 1, bytes(20000)))  # fmt: skip
    over_h2.expect_answer(1)
    over_h2.say(over_h2.ask(3, "GET", "/", ("x", "y" * 300)))
    over_h2.expect_answer(3, 431)
    over_h2.say(*[over_h2.ask(5 + 2 * i, "POST", flags=END_HEADERS) for i in range(8)])
    over_h2.expect_stream_error(19, REFUSED_STREAM, PROTOCOL_ERROR)


def test_client_that_stops_in_a_header_block_is_ended(start_server: Starter, talk: Talk) -> None:
    server = start_server("h2_stage:app", *H2C, "--header-timeout", "300ms")
    over_h2 = talk(server)
    over_h2.transport.tell(frame(HEADERS, END_STREAM, 1, b"\x82"))
    over_h2.expect_connection_error(ENHANCE_YOUR_CALM)
    dripping = talk(server)
    dripping.transport.tell(frame(CONTINUATION)[:3])
    dripping.expect_connection_error(ENHANCE_YOUR_CALM)


def test_stalled_stream_is_reset_and_others_are_not(start_server: Starter, talk: Talk) -> None:
    server = start_server("h2_stage:app", *H2C, "--write-timeout", "300ms")
    over_h2 = talk(server)
    over_h2.say(over_h2.ask(1, "GET", "/large/200000"), frame(WINDOW_UPDATE, 0, 0, number(1 << 20)))
    over_h2.expect(lambda: bool(over_h2.of(RST_STREAM, 1)))
    over_h2.expect_service(3)


def test_slow_body_is_answered_408_and_others_go_on(start_server: Starter, talk: Talk) -> None:
    server = start_server("h2_stage:app", *H2C, "--body-timeout", "300ms")
    over_h2 = talk(server)
    over_h2.say(over_h2.ask(1, "POST", "/echo", flags=END_HEADERS), frame(DATA, 0, 1, b"abc"))
    over_h2.expect_answer(1, 408)
    over_h2.expect_service(3)


def test_idle_connection_is_told_before_it_is_closed(start_server: Starter, talk: Talk) -> None:
    server = start_server("h2_stage:app", *H2C, "--keep-alive", "300ms")
    over_h2 = talk(server)
    over_h2.expect_service(1)
    over_h2.expect(lambda: bool(over_h2.of(GOAWAY)))
    over_h2.expect(lambda: over_h2.closed)
    assert over_h2.of(GOAWAY)[-1].code == 0


def test_flood_has_its_line_in_the_log(start_server: Starter, talk: Talk) -> None:
    server = start_server("h2_stage:app", *H2C)
    over_h2 = talk(server)
    for stream in range(1, 500, 2):
        over_h2.say(over_h2.ask(stream, "POST", flags=END_HEADERS),
                    frame(RST_STREAM, 0, stream, number(8)))  # fmt: skip
        if over_h2.closed or over_h2.of(GOAWAY):
            break
    over_h2.expect_connection_error(ENHANCE_YOUR_CALM)
    server.log.wait_for("HTTP/2 with ip=127.0.0.1 is ended: more than 200 streams were reset")


def test_static_files_and_access_log(start_server: Starter, tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a {}")
    (tmp_path / "big.bin").write_bytes(bytes(range(256)) * 4000)
    server = start_server(
        "h2_stage:app", *H2C, "--static-path", f"/static={tmp_path}", "--access-logfile", "-"
    )
    with client(server) as over_h2:
        assert over_h2.get("/static/a.css").text == "a {}"
        assert over_h2.get("/static/big.bin").content == bytes(range(256)) * 4000
        over_h2.get("/b")
    server.log.wait_for('"GET /b HTTP/2.0" 200')


def test_curl_agrees_on_it_by_alpn(
    start_server: Starter, authority: Authority, tmp_path: Path
) -> None:
    pair = authority.issue("alpn")
    server = start_server(
        "h2_stage:app", "--http-protocols", "h2,h1",
        "--certfile", str(pair.certificate), "--keyfile", str(pair.key),
    )  # fmt: skip
    host, port = server.endpoint
    curl = [program("curl"), "-sS", "--cacert", str(authority.path)]
    curl += ["--resolve", f"{NAME}:{port}:{host}"]
    body = tmp_path / "body"
    body.write_bytes(bytes(range(256)) * 20_000)
    sends = ["--data-binary", f"@{body}", "-o", str(tmp_path / "back"), "-w", "%{http_version}"]
    assert said_by([*curl, *sends, f"https://{NAME}:{port}/echo"]) == "2"
    assert (tmp_path / "back").read_bytes() == body.read_bytes()
    environ = json.loads(said_by([*curl, f"https://{NAME}:{port}/environ"]))
    assert environ["wsgi.url_scheme"] == "https"
    assert environ["SERVER_PROTOCOL"] == "HTTP/2.0"


def said_by(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def load(server: RunningServer, requests: int, *more: str) -> str:
    """What h2load says of so many requests."""
    shape = ["-n", str(requests), "-c", "4", "-m", "10", *more]
    return said_by([program("h2load"), *shape, server.url])


@pytest.mark.parametrize("kind", [(), ("--threads", "4"), ("-k", "gevent"), ("-k", "asgi")])
def test_all_of_many_requests_are_answered(start_server: Starter, kind: tuple[str, ...]) -> None:
    app = "h2_stage:asgi" if "asgi" in kind else "h2_stage:app"
    server = start_server(app, *H2C, *kind)
    assert "3000 succeeded, 0 failed, 0 errored" in load(server, 3000)


def test_term_serves_what_runs_and_says_goodbye_in_two_steps(
    start_server: Starter, talk: Talk
) -> None:
    server = start_server("h2_stage:app", *H2C, "--threads", "4")
    over_h2 = talk(server)
    over_h2.say(over_h2.ask(1, "GET", "/sleep/0.7"))
    over_h2.answers_pings = False
    server.signal("stop")
    over_h2.expect(lambda: bool(over_h2.of(PING) and over_h2.of(GOAWAY)))
    assert over_h2.of(GOAWAY)[0].payload[:4] == number(2**31 - 1)
    over_h2.say(over_h2.ask(3))  # it crosses the first
    over_h2.expect_answer(3)
    over_h2.transport.tell(frame(PING, ACK, payload=bytes(8)))
    over_h2.expect_answer(1)
    over_h2.expect(lambda: over_h2.closed)
    assert over_h2.of(GOAWAY)[-1].payload == number(3) + number(0)
    assert server.wait_exit() == 0


def test_reload_loses_no_request(start_server: Starter, talk: Talk) -> None:
    server = start_server("h2_stage:app", *H2C, "--threads", "2", workers=2)
    over_h2 = talk(server)
    old = server.worker_pids()
    over_h2.say(over_h2.ask(1, "GET", "/sleep/0.5"))
    server.signal("reload")
    over_h2.expect_answer(1)
    over_h2.expect(lambda: over_h2.closed)
    wait_until(lambda: not set(old) & set(server.worker_pids()), "the old workers are gone")


def test_max_requests_cuts_no_answer(start_server: Starter, talk: Talk) -> None:
    server = start_server("h2_stage:app", *H2C, "--max-requests", "8", workers=2)
    for _ in range(3):
        over_h2, stream = talk(server), 1
        while not over_h2.of(GOAWAY) and not over_h2.closed and stream < 400:
            over_h2.say(over_h2.ask(stream, "GET", "/sleep/0.03"))
            over_h2.expect_answer(stream)
            stream += 2
        assert stream < 400, "it has never been told to leave"


def test_connection_ends_with_a_worker_that_dies(start_server: Starter, talk: Talk) -> None:
    """Its tables of fields are that worker's alone: no other could go on with it."""
    server = start_server("deadly:app", *H2C)
    over_h2 = talk(server)
    over_h2.say(over_h2.ask(1, "GET", "/"))
    over_h2.expect_answer(1)
    with server.connect() as killer:
        killer.send_request(target="/exit")
        killer.expect_end()
    over_h2.expect(lambda: over_h2.closed)
    assert server.get("/").status == 200
