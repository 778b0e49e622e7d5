"""Under a service manager: what it is told, and the sockets it passes on."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.client import RawClient
from tests.kit.manager import NotifySocket, activation
from tests.kit.waiting import wait_until

APP = "supervised:app"


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, server_files: Path) -> Iterator[NotifySocket]:
    path = str(server_files / "notify")
    notify = NotifySocket(path if request.param == "path" else f"@{path}")
    yield notify
    notify.close()


@pytest.fixture
def notify(server_files: Path) -> Iterator[NotifySocket]:
    notify = NotifySocket(str(server_files / "notify"))
    yield notify
    notify.close()


@pytest.fixture
def listening() -> Iterator[list[socket.socket]]:
    """Two listening sockets, as a .socket unit makes them."""
    sockets = []
    for _ in range(2):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        sock.listen(16)
        sockets.append(sock)
    yield sockets
    for sock in sockets:
        sock.close()


def test_ready_is_told_when_a_worker_is_ready(
    start_server: Starter, manager: NotifySocket, tmp_path: Path
) -> None:
    # Held up in its import, the worker cannot be ready: neither is the server.
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    env = {"SUPERVISED_FILE": str(gate), "NOTIFY_SOCKET": manager.address}
    server = start_server(APP, env=env, ready=False)
    server.log.wait_for("Using worker")
    manager.wait_for("STATUS")
    assert manager.order() == []
    gate.write_text("go")
    message = manager.wait_for("READY")
    assert message == {"READY": "1", "MAINPID": str(server.pid), "STATUS": "1/1 ready"}
    server.wait_ready()
    server.signal("stop")
    assert server.wait_exit() == 0
    manager.wait_for("STOPPING")
    assert manager.order() == ["READY", "STOPPING"]


def test_reload_tells_reloading_with_its_time_and_then_ready(
    start_server: Starter, notify: NotifySocket
) -> None:
    server = start_server(APP, env={"NOTIFY_SOCKET": notify.address}, workers=2)
    notify.wait_for("READY")
    asked = time.monotonic()
    server.signal("reload")
    begun = notify.wait_for("RELOADING")
    assert begun["RELOADING"] == "1"
    # systemd compares it with when it sent the signal (sd_notify(3)).
    assert int(begun["MONOTONIC_USEC"]) >= int(asked * 1e6)
    notify.wait_for("READY", count=2)
    assert notify.order() == ["READY", "RELOADING", "READY"]
    assert "Reload complete" in server.log.text()


def test_refused_reload_ends_with_ready_too(start_server: Starter, notify: NotifySocket) -> None:
    server = start_server(APP, config="", env={"NOTIFY_SOCKET": notify.address})
    notify.wait_for("READY")
    server.write_config("workers = 'many'")
    server.signal("reload")
    notify.wait_for("READY", count=2)
    assert notify.order() == ["READY", "RELOADING", "READY"]


def test_reload_whose_replacement_fails_ends_with_ready_too(
    start_server: Starter, notify: NotifySocket, tmp_path: Path
) -> None:
    module = tmp_path / "module"
    module.write_text("fine")
    env = {"SUPERVISED_FILE": str(module), "NOTIFY_SOCKET": notify.address}
    server = start_server(APP, env=env)
    server.expect_alarm("refused on purpose")
    notify.wait_for("READY")
    module.write_text("raise")
    server.signal("reload")
    notify.wait_for("READY", count=2)
    assert notify.order() == ["READY", "RELOADING", "READY"]


def test_server_that_cannot_start_never_says_ready(
    start_server: Starter, notify: NotifySocket, tmp_path: Path
) -> None:
    module = tmp_path / "module"
    module.write_text("raise")
    env = {"SUPERVISED_FILE": str(module), "NOTIFY_SOCKET": notify.address}
    server = start_server(APP, env=env, ready=False)
    server.expect_alarm("refused on purpose")
    assert server.wait_exit() == 3
    assert "READY" not in notify.order()


def test_status_follows_the_number_of_workers(start_server: Starter, notify: NotifySocket) -> None:
    server = start_server(APP, env={"NOTIFY_SOCKET": notify.address})
    notify.wait_for("READY")
    server.signal("more")
    wait_until(
        lambda: any(message.get("STATUS") == "2/2 ready" for message in notify.read()), "2/2 ready"
    )


def test_watchdog_hears_of_the_loop(start_server: Starter, notify: NotifySocket) -> None:
    env = {"NOTIFY_SOCKET": notify.address, "WATCHDOG_USEC": "200000"}
    start_server(APP, env=env)
    notify.wait_for("WATCHDOG", count=5)


def test_new_program_of_an_upgrade_speaks_when_the_old_one_stops(
    start_server: Starter, notify: NotifySocket
) -> None:
    server = start_server(APP, env={"NOTIFY_SOCKET": notify.address, "WATCHDOG_USEC": "200000"})
    notify.wait_for("READY")
    server.signal("USR2")
    line = server.log.wait_for("Upgrading; the new arbiter is process")
    new = line.rpartition(" ")[2]
    server.log.wait_for("Worker ready", count=2)
    heard = len([message for message in notify.read() if "WATCHDOG" in message])
    notify.wait_for("WATCHDOG", count=heard + 3)
    assert notify.order() == ["READY"]
    assert new not in str(notify.messages)
    server.signal("stop")
    assert server.wait_exit() == 0
    assert notify.wait_for("READY", count=2)["MAINPID"] == new
    assert [message["MAINPID"] for message in notify.messages if "MAINPID" in message] == [
        str(server.pid),
        new,
        new,
    ]
    heard = len([message for message in notify.read() if "WATCHDOG" in message])
    notify.wait_for("WATCHDOG", count=heard + 3)
    os.kill(int(new), signal.SIGTERM)
    notify.wait_for("STOPPING")
    wait_until(lambda: not processes.alive(int(new)), "the new program is gone")
    assert notify.order() == ["READY", "READY", "STOPPING"]


def test_watchdog_of_another_process_is_left_alone(
    start_server: Starter, notify: NotifySocket
) -> None:
    env = {"NOTIFY_SOCKET": notify.address, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}
    server = start_server(APP, env=env)
    server.signal("stop")
    assert server.wait_exit() == 0
    notify.wait_for("STOPPING")
    assert not [message for message in notify.messages if "WATCHDOG" in message]


def test_manager_that_is_gone_is_told_of_once(start_server: Starter) -> None:
    server = start_server(APP, env={"NOTIFY_SOCKET": "/nowhere/notify"})
    server.signal("more")
    server.log.wait_for("Worker ready", count=2)
    assert server.get("/pid").status == 200
    assert server.log.text().count("the service manager is not told: No such file") == 1


def test_passed_sockets_are_used_instead_of_the_default(
    start_server: Starter, listening: list[socket.socket]
) -> None:
    through, fds = activation("", listening)
    server = start_server(APP, through=through, pass_fds=fds)
    ports = [sock.getsockname()[1] for sock in listening]
    told = ", ".join(f"systemd:unknown = http://127.0.0.1:{port}" for port in ports)
    assert f"Listening at: {told} (" in server.log.text()
    for port in ports:
        with RawClient(("127.0.0.1", port)) as client:
            assert client.request("GET", "/pid", [("Connection", "close")]).status == 200
    # What the application starts must not take them for its own.
    assert server.get("/environ/LISTEN_FDS").text == "-"
    for sock in listening:
        sock.close()


def test_socket_is_chosen_by_its_name_and_the_others_are_told(
    start_server: Starter, listening: list[socket.socket]
) -> None:
    through, fds = activation("admin:web", listening)
    server = start_server(APP, "-b", "systemd:web", through=through, pass_fds=fds)
    port = listening[1].getsockname()[1]
    assert server.endpoint == ("127.0.0.1", port)
    assert "nobody asks for the socket systemd:admin" in server.log.text()
    for sock in listening:
        sock.close()


def test_addresses_beside_passed_sockets_are_listened_on_too(
    start_server: Starter, listening: list[socket.socket], tmp_path: Path
) -> None:
    through, fds = activation("web", listening[:1])
    port = listening[0].getsockname()[1]
    # The first bind is the passed socket itself, as many config files repeat it.
    options = ("-b", f"127.0.0.1:{port}", "-b", f"unix:{tmp_path}/s")
    server = start_server(APP, *options, through=through, pass_fds=fds)
    line = server.log.lines("Listening at: ")[0]
    assert f"systemd:web = http://127.0.0.1:{port}, unix:{tmp_path}/s (" in line
    assert line.count("http://") == 1
    listening[0].close()


def test_passed_sockets_go_on_to_the_new_program(
    start_server: Starter, listening: list[socket.socket]
) -> None:
    through, fds = activation("admin:web", listening)
    options = ("-b", "systemd:admin", "-b", "systemd:web")
    server = start_server(APP, *options, through=through, pass_fds=fds)
    server.signal("USR2")
    new = int(server.log.wait_for("Upgrading; the new arbiter is process").rpartition(" ")[2])
    server.log.wait_for("Worker ready", count=2)
    assert len(set(server.log.lines("Listening at: "))) == 2
    told = [line.partition("at: ")[2].partition(" (")[0] for line in server.log.lines("Listening")]
    assert told[0] == told[1]
    server.signal("stop")
    assert server.wait_exit() == 0
    for sock in listening:
        with RawClient(sock.getsockname()) as client:
            assert client.request("GET", "/pid", [("Connection", "close")]).status == 200
    os.kill(new, signal.SIGTERM)
    wait_until(lambda: not processes.alive(new), "the new program is gone")
    for sock in listening:
        sock.close()


def test_name_that_was_not_passed_is_one_clear_line(
    start_server: Starter, listening: list[socket.socket]
) -> None:
    through, fds = activation("admin:web", listening)
    options = ("-b", "systemd:shop")
    server = start_server(APP, *options, through=through, pass_fds=fds, ready=False)
    assert server.wait_exit() == 1
    told = "bind: systemd:shop: no socket of that name was passed; there is: admin, web"
    assert told in server.log.text()


def test_name_without_a_manager_is_one_clear_line(start_server: Starter) -> None:
    server = start_server(APP, "-b", "systemd:web", ready=False)
    assert server.wait_exit() == 1
    assert "bind: systemd:web: no sockets were passed (LISTEN_FDS)" in server.log.text()


def test_sockets_of_another_process_are_left_alone(start_server: Starter) -> None:
    server = start_server(APP, env={"LISTEN_PID": "1", "LISTEN_FDS": "2"})
    assert "systemd" not in server.log.text()
    assert server.get("/environ/LISTEN_PID").text == "-"


def test_connection_instead_of_a_listening_socket_is_one_clear_line(
    start_server: Starter, listening: list[socket.socket]
) -> None:
    with socket.create_connection(listening[0].getsockname()) as client:
        through, fds = activation("web", [client])
        server = start_server(APP, through=through, pass_fds=fds, ready=False)
        assert server.wait_exit() == 1
    assert "systemd:web: is a connection and does not listen; write Accept=no" in server.log.text()


def test_passed_unix_socket_keeps_its_file(start_server: Starter, tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen(16)
        through, fds = activation("", [sock])
        server = start_server(APP, through=through, pass_fds=fds)
        assert server.endpoint == str(path)
        assert server.get("/pid").status == 200
        server.signal("stop")
        assert server.wait_exit() == 0
    assert path.exists()
