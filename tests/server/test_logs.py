"""Both logs of a running server: where they go, what they say, and in which form.

Runs in: cli
"""

from __future__ import annotations

import json
import os
import pty
import re
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.waiting import wait_until

APP = "talkative:app"
TO_LOG = ("--error-logfile", "server.log")  # the file that the kit looks at


def access_lines(path: Path, count: int) -> list[str]:
    """The lines of a file, once there are so many."""

    def there() -> list[str]:
        lines = path.read_text().splitlines() if path.exists() else []
        return lines if len(lines) >= count else []

    return wait_until(there, f"{count} lines in {path}")


@pytest.mark.effect("accesslog", "access_log_format")
def test_access_log_has_a_line_a_request_in_the_format_that_is_named(start_server: Starter) -> None:
    server = start_server(
        APP, "--access-logfile", "a.log", "--access-logformat", '%(m)s %(U)s %({x-out}o)s "%(a)s"'
    )
    server.get("/x?y", [("User-Agent", 'a"b\\c')])
    assert access_lines(server.files / "a.log", 1) == ['GET /x out "a\\x22b\\x5Cc"']


@pytest.mark.parametrize("name", ["combined", "json"])
@pytest.mark.effect("access_log_format")
def test_format_is_chosen_by_name(start_server: Starter, name: str) -> None:
    server = start_server(APP, "--access-logfile", "a.log", config=f"access_log_format = '{name}'")
    server.get("/caf%C3%A9?q", [("User-Agent", "probe"), ("Referer", "r")])
    (line,) = access_lines(server.files / "a.log", 1)
    if name == "combined":
        assert re.fullmatch(
            r'127\.0\.0\.1 - - \[[^]]+\] "GET /caf%C3%A9\?q HTTP/1\.1" 200 4 "r" "probe"', line
        )
        return
    made = json.loads(line)
    assert (made["path"], made["target"], made["query"]) == ("/café", "/caf%C3%A9?q", "q")
    assert (made["status"], made["bytes"], made["user"]) == (200, 4, None)
    assert 0 < made["duration"] < 60


@pytest.mark.effect("accesslog")
def test_refused_request_is_in_the_access_log(start_server: Starter) -> None:
    server = start_server(APP, "--access-logfile", "a.log")
    with server.connect() as client:
        client.send(b"GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert client.read_response().status == 400
    (line,) = access_lines(server.files / "a.log", 1)
    assert '"GET /x HTTP/1.1" 400 ' in line


@pytest.mark.effect("access_log_exclude")
def test_paths_are_kept_out_of_the_access_log(start_server: Starter) -> None:
    server = start_server(
        APP, "--access-logfile", "a.log", "--access-logformat", "%(U)s",
        config="access_log_exclude = ['/healthz', '/static/*']",
    )  # fmt: skip
    for path in ("/healthz", "/static/a.css", "/healthz2", "/"):
        server.get(path)
    assert access_lines(server.files / "a.log", 2) == ["/healthz2", "/"]


@pytest.mark.effect("errorlog", "loglevel")
def test_error_log_goes_to_a_file_from_a_level_on(start_server: Starter) -> None:
    server = start_server(APP, *TO_LOG, config="loglevel = 'info'")
    server.get("/log")
    server.log.wait_for("[WARNING] logged by the application")
    before = server.worker_pids()
    server.write_config("loglevel = 'error'")
    server.signal("reload")
    server.wait_for_workers(1, without=before)
    server.get("/log")
    server.expect_alarm("LookupError: raised by the application")
    server.get("/raise")
    server.log.wait_for("LookupError: raised by the application")
    assert server.log.text().count("logged by the application") == 1


@pytest.mark.effect("log_format")
def test_json_makes_both_logs_json(start_server: Starter) -> None:
    server = start_server(APP, "--log-format", "json", "--access-logfile", "a.log", "--request-id")
    assert server.get("/log", [("X-Request-Id", "abc")]).text == "abc"
    server.log.wait_for("logged by the application")
    told = [json.loads(line) for line in server.log.text().splitlines()]
    assert {"time", "level", "pid", "logger", "message"} <= set(told[0])
    (said,) = (line for line in told if line["message"] == "logged by the application")
    assert (said["level"], said["request_id"]) == ("warning", "abc")
    (line,) = access_lines(server.files / "a.log", 1)
    assert json.loads(line)["request_id"] == "abc"


@pytest.mark.effect("request_id", "forwarded_allow_ips")
def test_id_of_a_trusted_peer_is_in_both_logs_and_of_others_not(start_server: Starter) -> None:
    server = start_server(
        APP, "--request-id", "--access-logfile", "a.log", "--forwarded-allow-ips", "127.0.0.0/8"
    )
    assert server.get("/log", [("X-Request-Id", "abc-1")]).text == "abc-1"
    server.log.wait_for("[WARNING] [abc-1] logged by the application")
    (line,) = access_lines(server.files / "a.log", 1)
    assert line.endswith('" abc-1')
    server.expect_alarm("raised by the application")
    server.get("/raise", [("X-Request-Id", "abc-2")])
    server.log.wait_for("[ERROR] [abc-2] Error handling request GET /raise")
    made = server.get("/").text
    assert re.fullmatch(r"[0-9a-f]{32}", made)
    other = start_server(APP, "--request-id", "--forwarded-allow-ips", "192.0.2.0/24")
    assert other.get("/", [("X-Request-Id", "abc-1")]).text != "abc-1"


@pytest.mark.effect("request_id_response")
def test_id_is_told_to_the_client_when_asked(start_server: Starter) -> None:
    server = start_server(APP, config="request_id = True\nrequest_id_response = True")
    answer = server.get("/")
    assert answer.get("X-Request-Id") == answer.text
    assert start_server(APP, "--request-id").get("/").get("X-Request-Id") is None


@pytest.mark.effect("capture_output")
def test_what_is_printed_goes_to_the_error_log_and_to_its_new_file(start_server: Starter) -> None:
    server = start_server(
        APP, *TO_LOG, "--capture-output", "--access-logfile", "-", "--access-logformat", "ACCESS",
        env={"PYTHONUNBUFFERED": ""},
        through=("/bin/sh", "-c", 'exec "$0" "$@" > out.txt 2>&1'),
    )  # fmt: skip
    server.get("/print")
    server.log.wait_for("printed to standard output")
    server.log.wait_for("printed to standard error")
    assert access_lines(server.files / "out.txt", 1) == ["ACCESS"]
    server.log.path.rename(server.files / "server.log.1")
    server.signal("reopen")
    wait_until(server.log.path.exists, "a new file")

    def arrived() -> bool:
        server.get("/print")
        return "printed to standard error" in server.log.text()

    wait_until(arrived, "text in the new file")
    assert set(access_lines(server.files / "out.txt", 2)) == {"ACCESS"}


@pytest.mark.effect("capture_output")
def test_reload_without_capture_gives_standard_output_back(start_server: Starter) -> None:
    server = start_server(
        APP, *TO_LOG, config="capture_output = True",
        through=("/bin/sh", "-c", 'exec "$0" "$@" > out.txt 2>&1'),
    )  # fmt: skip
    server.get("/print")
    server.log.wait_for("printed to standard output")
    server.write_config("capture_output = False")
    server.signal("reload")
    server.log.wait_for("Worker exited")
    server.get("/print")
    out = server.files / "out.txt"
    wait_until(lambda: "printed to standard output" in out.read_text(), "text in out.txt")
    assert server.log.text().count("printed to standard output") == 1


@pytest.mark.parametrize(
    ("env", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
@pytest.mark.effect("errorlog")
def test_error_log_has_colour_on_a_terminal(
    start_server: Starter, env: dict[str, str], coloured: bool
) -> None:
    leader, terminal = pty.openpty()
    os.set_blocking(leader, False)
    try:
        server = start_server(
            APP,
            *("--error-logfile", "-"),
            env={"TERM": "xterm", "NO_COLOR": "", "FORCE_COLOR": "", **env},
            through=("/bin/sh", "-c", f'exec "$0" "$@" 2>{os.ttyname(terminal)}'),
            ready=False,
        )
        text = b""

        def booted() -> bool:
            nonlocal text
            with suppress(BlockingIOError):
                text += os.read(leader, 65536)
            return b"Worker ready" in text

        wait_until(booted, "a worker")
        assert (b"[\x1b[32mINFO\x1b[0m]" in text) is coloured
        assert (b"\x1b" in text) is coloured
        server.signal("stop")
        server.process.wait(10)
    finally:
        os.close(terminal)
        os.close(leader)


def test_colour_can_be_forced(start_server: Starter) -> None:
    server = start_server(APP, env={"FORCE_COLOR": "1", "NO_COLOR": ""})
    assert "[\x1b[32mINFO\x1b[0m]" in server.log.text()


@pytest.mark.effect("capture_output")
def test_new_program_of_an_upgrade_finds_the_real_standard_output(start_server: Starter) -> None:
    server = start_server(
        APP, *TO_LOG, "--capture-output", "--access-logfile", "-", "--access-logformat", "ACCESS",
        config="",
        through=("/bin/sh", "-c", 'exec "$0" "$@" > out.txt 2>&1'),
    )  # fmt: skip
    out = server.files / "out.txt"
    server.get("/")
    access_lines(out, 1)
    old = server.upgrade()
    os.kill(old, signal.SIGTERM)
    server.log.wait_for("The old arbiter has gone; this one takes its place")
    server.get("/print")
    assert set(access_lines(out, 2)) == {"ACCESS"}
    server.log.wait_for("printed to standard output")
