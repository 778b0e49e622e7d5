"""What the settings of the ASGI worker do to a running server, each beside one without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.client import RawClient
from tests.kit.server import RunningServer
from tests.kit.websocket import PING, PONG, TEXT, WebSocket, close_payload, frame

APP = "asgi_settings:app"
ASGI = ("--worker-class", "asgi")
OFFER = [("Sec-WebSocket-Extensions", "permessage-deflate")]


def open_socket(
    server: RunningServer, target: str = "/echo", fields: list[tuple[str, str]] | None = None
) -> WebSocket:
    return WebSocket.open(server.connect(), target, fields or ())


def say_goodbye(opened: WebSocket) -> None:
    opened.send(8, close_payload(1000))
    assert opened.closed() == (1000, "")


# -- the loop and the lifespan


@pytest.mark.effect("asgi_loop")
def test_loop_is_asyncios_unless_another_is_asked_for(start_server: Starter) -> None:
    for options in ((), ("--asgi-loop", "auto"), ("--asgi-loop", "asyncio")):
        server = start_server(APP, *ASGI, *options)
        assert server.get("/loop").text.startswith("asyncio."), options


@pytest.mark.effect("asgi_loop")
def test_loop_is_uvloops_where_that_is_asked_for(start_server: Starter) -> None:
    pytest.importorskip("uvloop")
    server = start_server(APP, *ASGI, "--asgi-loop", "uvloop")
    assert server.get("/loop").text.startswith("uvloop")


@pytest.mark.effect("asgi_lifespan")
@pytest.mark.parametrize(("mode", "is_called"), [("auto", True), ("off", False)])
def test_application_without_a_lifespan_is_served(
    start_server: Starter, tmp_path: Path, mode: str, is_called: bool
) -> None:
    told = tmp_path / "told"
    told.touch()
    server = start_server(
        "asgi_lifespans:raising", *ASGI, "--asgi-lifespan", mode, env={"LIFESPAN_FILE": str(told)}
    )
    assert ("called" in told.read_text()) == is_called
    assert server.get("/").text == "hello"


@pytest.mark.effect("asgi_lifespan")
def test_lifespan_that_is_demanded_and_missing_ends_the_start(
    start_server: Starter, tmp_path: Path
) -> None:
    server = start_server(
        "asgi_lifespans:raising", *ASGI, "--asgi-lifespan", "on", ready=False,
        env={"LIFESPAN_FILE": str(tmp_path / "told")},
    )  # fmt: skip
    server.expect_alarm("NotImplementedError")
    assert server.wait_exit() == 3
    server.log.wait_for("the application has no lifespan, which asgi_lifespan = 'on' demands")


# -- requests


def leave_held_request(server: RunningServer) -> None:
    with RawClient(server.endpoint) as client:
        client.send_request("GET", "/held")
        server.log.wait_for("held")
    server.log.wait_for("has left")


@pytest.mark.effect("asgi_disconnect_grace_period")
def test_task_of_a_client_that_has_left_goes_on_unless_it_is_to_be_cancelled(
    start_server: Starter,
) -> None:
    usual = start_server(APP, *ASGI)
    leave_held_request(usual)
    assert usual.get("/free").status == 200
    usual.log.wait_for("went on")

    strict = start_server(APP, *ASGI, "--asgi-disconnect-grace-period", "0.05")
    leave_held_request(strict)
    strict.log.wait_for("was cancelled")
    assert strict.get("/free").status == 200


def test_task_that_has_ended_in_time_leaves_others_alone(start_server: Starter) -> None:
    """What the server has for a request serves the next one, within the same grace period."""
    server = start_server(APP, *ASGI, "--asgi-disconnect-grace-period", "0.2")
    with RawClient(server.endpoint) as client:
        client.send_request("GET", "/heard")
        assert server.get("/loop").status == 200
    server.log.wait_for("heard of it")
    assert server.get("/slow").text == "not cancelled"


@pytest.mark.effect("root_path")
def test_root_path_is_told_in_the_scope(start_server: Starter) -> None:
    assert start_server(APP, *ASGI).get("/cart").text == " /cart"
    mounted = start_server(APP, *ASGI, "--root-path", "/shop")
    assert mounted.get("/cart").text.startswith("/shop ")


# -- WebSockets


@pytest.mark.effect("websocket_max_message_size")
def test_message_beyond_the_limit_closes_the_websocket(start_server: Starter) -> None:
    long = b"x" * 1001
    usual = open_socket(start_server(APP, *ASGI))
    usual.send(TEXT, long)
    assert usual.message().payload == long
    say_goodbye(usual)

    narrow = open_socket(start_server(APP, *ASGI, "--websocket-max-message-size", "1000"))
    narrow.send(TEXT, long[:1000])
    assert narrow.message().payload == long[:1000]
    narrow.send(TEXT, long)
    code, _reason = narrow.closed()
    assert code == 1009


@pytest.mark.effect("ws_ping_interval", "ws_ping_timeout")
def test_client_that_answers_no_ping_is_taken_for_gone(start_server: Starter) -> None:
    eager = ("--ws-ping-interval", "0.05")
    patient = open_socket(start_server(APP, *ASGI, *eager))
    assert patient.read().opcode == PING
    patient.send(TEXT, b"still here")
    assert patient.message().payload == b"still here"
    say_goodbye(patient)

    server = start_server(APP, *ASGI, *eager, "--ws-ping-timeout", "0.1")
    silent = open_socket(server)
    ping = silent.read()
    assert ping.opcode == PING
    silent.send(PONG, ping.payload)
    assert silent.read().opcode == PING
    server.log.wait_for("ended with 1006")
    silent.client.read_to_end()


@pytest.mark.effect("ws_max_queue")
def test_no_more_is_read_when_the_application_takes_nothing(start_server: Starter) -> None:
    """A ping behind the messages is answered only where it is read."""
    words = b"".join(frame(TEXT, b"%d" % number) for number in range(3)) + frame(PING, b"p")
    usual_server = start_server(APP, *ASGI)
    usual = open_socket(usual_server, "/later")
    usual.client.send(words)
    assert usual.read().opcode == PONG
    assert usual_server.get("/free").status == 200
    assert [usual.read().payload for _ in range(3)] == [b"0", b"1", b"2"]
    say_goodbye(usual)

    server = start_server(APP, *ASGI, "--ws-max-queue", "2")
    narrow = open_socket(server, "/later")
    narrow.client.send(words)
    assert server.get("/free").status == 200
    got = [narrow.read() for _ in range(4)]
    assert got[0].payload == b"0"
    assert sorted(each.payload for each in got) == [b"0", b"1", b"2", b"p"]
    say_goodbye(narrow)


@pytest.mark.effect("ws_per_message_deflate")
def test_compression_is_agreed_on_unless_it_is_switched_off(start_server: Starter) -> None:
    usual = open_socket(start_server(APP, *ASGI), fields=OFFER)
    assert usual.extensions.startswith("permessage-deflate")
    say_goodbye(usual)
    plain = open_socket(start_server(APP, *ASGI, "--no-ws-per-message-deflate"), fields=OFFER)
    assert plain.extensions == ""
    say_goodbye(plain)
