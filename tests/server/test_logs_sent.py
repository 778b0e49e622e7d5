"""Logs and metrics that a running server sends: to a system log, to a statsd.

Runs in: cli
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.receivers import Receiver
from tests.kit.waiting import wait_until

APP = "talkative:app"
KINDS = {
    "udp": ("udp://{}", socket.SOCK_DGRAM, None),
    "tcp": ("tcp://{}", socket.SOCK_STREAM, None),
    "unix": ("unix://{}", socket.SOCK_DGRAM, "log"),
    "unix stream": ("unix://{}", socket.SOCK_STREAM, "log"),
    "unix#stream": ("unix://{}#stream", socket.SOCK_STREAM, "log"),
    "unix#dgram": ("unix://{}#dgram", socket.SOCK_DGRAM, "log"),
}


@pytest.fixture
def datagrams() -> Iterator[Receiver]:
    receiver = Receiver(socket.SOCK_DGRAM)
    yield receiver
    receiver.close()


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.effect("syslog", "syslog_addr", "syslog_prefix", "syslog_facility")
def test_both_logs_go_to_the_system_log(start_server: Starter, tmp_path: Path, kind: str) -> None:
    form, of, name = KINDS[kind]
    receiver = Receiver(of, None if name is None else tmp_path / name)
    try:
        server = start_server(
            APP,
            *("--log-syslog", "--log-syslog-to", form.format(receiver.place)),
            *("--log-syslog-prefix", "shop", "--log-syslog-facility", "local3"),
            *("--access-logformat", "%(m)s %(U)s %(f)s"),
        )
        (pid,) = server.worker_pids()
        # 19 (local3) * 8, and 6 for info; RFC 5424 section 6.2.1.
        assert receiver.wait_for("Worker ready").startswith(f"<158>gunicorn.shop.error: [{pid}] ")
        server.get("/log", [("Referer", '"\t%s')])
        warning = receiver.wait_for("logged by the application")
        assert warning == f"<156>gunicorn.shop.error: [{pid}] logged by the application"
        access = receiver.wait_for("GET /log")
        assert access == f"<158>gunicorn.shop.access: [{pid}] GET /log \\x22\\x09%s"
        server.log.wait_for("logged by the application")  # and to standard error as before
    finally:
        receiver.close()


@pytest.mark.effect("disable_redirect_access_to_syslog")
def test_access_log_can_be_kept_out_of_the_system_log(
    start_server: Starter, datagrams: Receiver
) -> None:
    server = start_server(
        APP, "--disable-redirect-access-to-syslog", "--access-logfile", "a.log",
        config=f"syslog = True\nsyslog_addr = 'udp://{datagrams.place}'",
    )  # fmt: skip
    server.get("/")
    path = server.files / "a.log"
    wait_until(lambda: path.exists() and "GET / " in path.read_text(), "an access line")
    server.signal("stop")
    assert datagrams.wait_for("Stopped").startswith("<14>gunicorn.talkative.app.error: ")
    assert not [message for message in datagrams.messages if ".access: " in message]


def test_traceback_is_one_message_of_the_system_log(
    start_server: Starter, datagrams: Receiver
) -> None:
    server = start_server(APP, "--log-syslog", "--log-syslog-to", f"udp://{datagrams.place}")
    server.expect_alarm("raised by the application")
    server.get("/raise")
    message = datagrams.wait_for("Error handling request")
    assert message.startswith("<11>")
    assert "\n" not in message
    assert message.endswith("LookupError: raised by the application")


def test_system_log_that_is_not_there_holds_nobody_up(start_server: Starter) -> None:
    server = start_server(
        APP, "--log-syslog", "--log-syslog-to", "unix:///nonexistent/log", "--access-logfile", "-"
    )
    assert server.get("/log").status == 200
    server.log.wait_for("Access log")
    server.log.wait_for("the system log takes no more")


@pytest.mark.effect("statsd_host", "statsd_prefix", "dogstatsd_tags")
def test_requests_are_counted_and_timed_by_statsd(
    start_server: Starter, datagrams: Receiver
) -> None:
    server = start_server(
        APP, "--statsd-host", datagrams.place, "--statsd-prefix", "shop.",
        "--dogstatsd-tags", "env:test",
    )  # fmt: skip
    with server.connect() as client:
        for _ in range(5):
            client.request()

    def total(name: str) -> int:
        found = re.findall(
            rf"^shop\.{name}:(\d+)\|c\|#env:test$", "\n".join(datagrams.take()), re.M
        )
        return sum(map(int, found))

    wait_until(lambda: total(r"gunicorn\.requests") == 5, "five requests")
    assert total(r"gunicorn\.request\.status\.200") == 5
    for name in ("gunicorn.request.duration", "fastfork.queue_wait"):
        assert re.search(
            rf"^shop\.{name}:\d+\.\d{{3}}\|ms\|#env:test$", "\n".join(datagrams.messages), re.M
        )


@pytest.mark.effect("statsd_host", "enable_backlog_metric")
def test_statsd_hears_of_workers_and_of_who_waits(
    start_server: Starter, datagrams: Receiver
) -> None:
    start_server(
        APP, workers=2, config=f"statsd_host = '{datagrams.place}'\nenable_backlog_metric = True"
    )
    datagrams.wait_for("gunicorn.workers:2|g")
    datagrams.wait_for("fastfork.busy:0|g")
    datagrams.wait_for("gunicorn.backlog:0|h")


def test_statsd_hears_of_busy_workers(start_server: Starter, datagrams: Receiver) -> None:
    server = start_server("supervised:app", "--statsd-host", datagrams.place, workers=2)
    server.expected_exit = None
    with server.connect() as client:
        client.send(b"GET /block HTTP/1.1\r\nHost: h\r\n\r\n")
        datagrams.wait_for("fastfork.busy:1|g")
        server.signal("quit")
        server.process.wait(20)


def test_statsd_hears_of_the_log_and_of_the_applications_own(
    start_server: Starter, tmp_path: Path
) -> None:
    receiver = Receiver(socket.SOCK_DGRAM, tmp_path / "statsd")
    try:
        server = start_server(APP, "--statsd-host", f"unix://{receiver.place}")
        server.expect_alarm("raised by the application")
        for path in ("/log", "/raise", "/metric"):
            server.get(path)
        for line in ("gunicorn.log.warning:1|c", "gunicorn.log.exception:1|c", "shop.orders:3|c"):
            receiver.wait_for(line)
    finally:
        receiver.close()


def test_statsd_gets_one_datagram_for_many_requests(
    start_server: Starter, datagrams: Receiver
) -> None:
    server = start_server(APP, "--statsd-host", datagrams.place)
    request = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    with server.connect() as client:
        client.send(request * 16)
        for _ in range(16):
            assert client.read_response().status == 200
    datagrams.wait_for("gunicorn.requests")

    def all_there() -> bool:
        return sum(map(int, re.findall(r"requests:(\d+)", "\n".join(datagrams.take())))) == 16

    wait_until(all_there, "sixteen requests")
    about_requests = [one for one in datagrams.messages if "gunicorn.requests" in one]
    assert len(about_requests) <= 4
    assert all(len(one) <= 1432 for one in about_requests)


def test_request_in_line_for_a_thread_has_its_wait_in_statsd(
    start_server: Starter, datagrams: Receiver, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    server = start_server(
        "supervised:app", "--statsd-host", datagrams.place, "--threads", "2",
        env={"SUPERVISED_FILE": str(file)},
    )  # fmt: skip
    clients = [server.connect() for _ in range(3)]
    assert clients[2].request("GET", "/pid").status == 200  # accepted: the worker knows of it
    for client in clients[:2]:
        client.send(b"GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
    datagrams.wait_for("fastfork.busy:2|g")
    clients[2].send(b"GET /pid HTTP/1.1\r\nHost: h\r\n\r\n")
    began = time.monotonic()
    datagrams.messages.clear()
    datagrams.wait_for("fastfork.busy:2|g")  # about a second later
    waited = time.monotonic() - began
    file.write_text("go")
    for client in clients:
        assert client.read_response().status == 200

    def longest() -> float:
        text = "\n".join(datagrams.take())
        return max(map(float, re.findall(r"queue_wait:([\d.]+)\|ms", text)), default=0.0)

    wait_until(lambda: longest() >= waited * 1000 * 0.9, lambda: f"{waited} s; told {longest()} ms")
