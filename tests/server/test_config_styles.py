"""Config files as people write them, in tests/confs, each with a server of its own.

They are gunicorn's: none mentions fastfork. tests/confs/packages stands in for what some import.
"""

from __future__ import annotations

import os
import signal
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import cpu_count
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.server import APPS, ROOT, RunningServer, environment
from tests.kit.tls import Authority, TlsClient
from tests.kit.waiting import wait_until

CONFS = ROOT / "tests" / "confs"
APP = "worker_plain:app"
IGNORED = "settings that this version does not have, ignored: "


@dataclass(frozen=True)
class Style:
    """One file, and what shows that it did its work.

    app: what is served.  workers: how many it means.  says: in the log once a request was
    answered; ends: in the log when the server has stopped.  check: asks the server for more.
    """

    file: str
    app: str = APP
    workers: int = 1
    env: dict[str, str] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    check: Callable[[RunningServer], None] | None = None


def start(start_server: Starter, style: Style, *, ready: bool = True) -> RunningServer:
    packages = [str(APPS), str(CONFS / "packages")]
    if environment({})["PYTHONPATH"] != str(APPS):
        packages.append(str(ROOT))  # the tests run on the checkout
    env = {"PYTHONPATH": os.pathsep.join(packages), **style.env}
    options = ("-c", str(CONFS / style.file))
    return start_server(style.app, *options, bare=True, workers=style.workers, env=env, ready=ready)


# -- checks


def kills_a_worker(server: RunningServer) -> None:
    (worker,) = server.worker_pids()
    os.kill(worker, signal.SIGKILL)
    server.log.wait_for(f"prometheus_client: dead {worker}")


def has_a_socket_for_its_group(server: RunningServer) -> None:
    assert (server.files / "run.sock").stat().st_mode & 0o777 == 0o770
    assert (server.files / "run.pid").read_text() == f"{server.pid}\n"


def touches_its_file(server: RunningServer) -> None:
    assert (server.files / "app-initialized").is_file()
    server.signal("stop")
    assert server.wait_exit() == 0
    assert not (server.files / "app-initialized").exists()


def listens_twice(server: RunningServer) -> None:
    line = server.log.wait_for("Listening at:")
    assert "http://127.0.0.1:" in line
    assert "http://127.0.0.2:" in line


def writes_its_log(server: RunningServer) -> None:
    (log,) = (server.files / "log").glob("*/access.log")
    wait_until(lambda: log.read_text() == "GET /pid 200\n", "the line is there")


def calls_itself_web(server: RunningServer) -> None:
    assert server.get("/pid").get("Server") == "web"


def is_told_to_leave(server: RunningServer) -> None:
    server.signal("quit")
    assert server.wait_exit() == 0
    assert "stack of MainThread:" in server.log.text()


STYLES = [
    Style("minimal.py", workers=2),
    Style(
        "environment.py",
        workers=2,
        env={"PORT": "0", "HOST": "127.0.0.1", "MAX_WORKERS": "2", "LOG_LEVEL": "debug"},
        says=('{"bind": "127.0.0.1:0", "workers": 2, "timeout": 120, "loglevel": "debug"}',
              '"GET /pid HTTP/1.1" 200'),
    ),
    Style("cores.py", workers=cpu_count() * 2 + 1),
    Style("platform.py", workers=2, env={"PORT": "0", "WEB_CONCURRENCY": "2"},
          says=('"GET /pid HTTP/1.1" 200 -',)),
    Style("container.py", says=('"GET /pid HTTP/1.1" 200', "worker_tmp_dir: is not needed")),
    Style("prometheus.py", check=kills_a_worker),
    Style("newrelic_agent.py", says=("newrelic: initialize newrelic.ini production",
                                     "Worker spawned", "newrelic: register")),
    Style("opentelemetry_sdk.py", says=("opentelemetry: exports in its own process True",)),
    Style("datadog.py", says=("ddtrace: patched", "ddtrace: runtime metrics"),
          ends=("ddtrace: flushed",)),
    Style("sentry.py", env={"SENTRY_DSN": "http://key@host/1"},
          says=("sentry_sdk: init http://key@host/1",), ends=("sentry_sdk: flush",)),
    Style("django_reset.py", says=("closed 1 connection(s)",)),
    Style("engine_dispose.py", workers=2,
          says=("before the fork: ['connection']", "after the fork: ['own']"),
          ends=("closed its own",)),
    Style("reseed.py", says=("drew 0.",)),
    Style("everything.py", says=("the listeners are there", "forked ", "spam is eggs"),
          check=is_told_to_leave),
    Style("server_software.py", check=calls_itself_web),
    Style("secrets_file.py", says=("token is eggs",)),
    Style("unix_socket.py", check=has_a_socket_for_its_group),
    Style("several_addresses.py", check=listens_twice),
    Style("base_settings.py", workers=min(cpu_count(), 2), says=("ready with ",)),
    Style("site_settings.py", workers=min(cpu_count(), 2) + 1, says=("ready with ",)),
    Style("by_mode.py", workers=2),
    Style("by_mode.py", env={"APP_ENV": "development"}, says=("Watching the code for changes",)),
    Style("from_json.py", workers=2, says=("Template ",)),
    Style("request_times.py", says=("timed GET /pid 200 True",)),
    Style("ready_file.py", check=touches_its_file),
    Style("migrations.py", says=("migrated 3 tables",)),
    Style("scheduler.py", ends=("jobs ran: True",)),
    Style("coverage_save.py", ends=("saved measured: True", "saved atexit: True")),
    Style("annotated.py", says=("is an Arbiter: True", "asked for /pid")),
    Style("typo.py", says=("line 4: wokers is not a setting; did you mean workers?",
                           "line 9: post_frok is not a setting; did you mean post_fork?")),
    Style("log_files.py", check=writes_its_log),
    Style("threads.py", says=("Using worker: gthread, ",)),
    Style("greenlets.py", says=("Using worker: gevent",)),
    Style("patching.py", says=("Using worker: gevent",), workers=2),
    Style("asgi.py", app="asgi_hello:app", says=("Using worker: asgi",)),
    Style("left_out.py", says=("settings that are not needed here: control_socket_disable",
                               f"{IGNORED}dirty_workers, dirty_apps, ",
                               ", uwsgi_allow_ips, dirty_worker_init")),
]  # fmt: skip


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.file)
def test_config_file_does_its_work(start_server: Starter, style: Style) -> None:
    server = start(start_server, style)
    assert server.get("/pid").status == 200
    assert server.log.text().count("Worker ready") == style.workers
    for text in style.says:
        server.log.wait_for(text)
    if style.check is not None:
        style.check(server)
    if style.ends:
        server.signal("stop")
        assert server.wait_exit() == 0
        assert [text for text in style.ends if text not in server.log.text()] == []


# File -> the line that it is refused with.
REFUSED = {
    "own_worker.py": "worker_class: '__config__.StoppingWorker' derives from 'sync', and its",
}


@pytest.mark.parametrize("file", REFUSED)
def test_config_file_that_cannot_be_served_is_refused_in_a_line(
    start_server: Starter, file: str
) -> None:
    server = start(start_server, Style(file), ready=False)
    assert server.wait_exit() == 1
    text = server.log.text()
    assert REFUSED[file] in text
    assert "Listening" not in text


# -- logs and proxies


@pytest.mark.parametrize("name", ["logger_subclass.py", "logger_filter.py", "logger_by_name.py"])
def test_logger_class_keeps_health_checks_out(start_server: Starter, name: str) -> None:
    server = start(start_server, Style(name))
    assert server.get("/pid").status == 200
    assert server.get("/environ").status == 200
    server.log.wait_for("GET /environ")
    assert "GET /pid" not in server.log.text()


def test_dict_logging_formats_the_lines(start_server: Starter) -> None:
    server = start(start_server, Style("dict_logging.py"))
    assert server.get("/pid").status == 200
    server.log.wait_for("dict-logging INFO gunicorn.error")
    assert "GET /pid" in server.log.wait_for("dict-logging INFO gunicorn.access")


def test_statsd_gets_what_the_file_says(start_server: Starter) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
        statsd.bind(("127.0.0.1", 0))
        statsd.settimeout(10)
        host = f"127.0.0.1:{statsd.getsockname()[1]}"
        server = start(start_server, Style("statsd.py", env={"STATSD_HOST": host}))
        assert server.get("/pid").status == 200
        received = b""
        while b"shop.gunicorn.requests:" not in received:
            received += statsd.recv(65536)
        assert b"#env:test" in received


def test_syslog_gets_both_logs(start_server: Starter, tmp_path: Path) -> None:
    path = tmp_path / "log.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.bind(str(path))
        syslog.settimeout(10)
        server = start(start_server, Style("syslog.py", env={"LOG_SOCKET": str(path)}))
        assert server.get("/pid").status == 200
        received = b""
        while not (b"gunicorn.shop.error" in received and b"GET /pid" in received):
            received += syslog.recv(65536)


def test_file_for_a_balancer_that_ends_tls(start_server: Starter) -> None:
    server = start(start_server, Style("behind_proxy.py"))
    answer = server.get("/environ", [("X-Forwarded-Proto", "https")])
    assert "wsgi.url_scheme=https" in answer.text.splitlines()


def test_file_for_a_balancer_that_sends_the_proxy_protocol(start_server: Starter) -> None:
    server = start(start_server, Style("proxy_protocol.py"))
    with server.connect() as client:
        client.send(b"PROXY TCP4 192.0.2.1 192.0.2.2 8080 80\r\n")
        for _ in range(2):
            lines = client.request("GET", "/environ").text.splitlines()
            assert {"REMOTE_ADDR=192.0.2.1", "PROXY_ADDR=192.0.2.2"} <= set(lines)


def test_files_with_a_certificate_and_where_there_is_none(
    start_server: Starter, authority: Authority
) -> None:
    assert start(start_server, Style("tls_off.py")).get("/pid").status == 200
    pair = authority.issue("site")
    env = {"SSL_CERT": str(pair.certificate), "SSL_KEY": str(pair.key)}
    for file, oldest in (("tls_off.py", "TLSv1.2"), ("tls.py", "TLSv1.3")):
        server = start(start_server, Style(file, env=env))
        context = authority.client_context()
        with TlsClient(server.endpoint, context) as client:
            assert client.request("GET", "/pid").status == 200
        if oldest == "TLSv1.3":
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            with pytest.raises(ssl.SSLError):
                TlsClient(server.endpoint, context)
