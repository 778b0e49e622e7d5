"""What settings do to a running server, for those that no other file of this directory is about.

Each is shown beside the same request to a server without the setting, so that a setting which is
read and not used fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.client import RawClient
from tests.kit.faults import SOURCE, preloaded
from tests.kit.server import RunningServer, environment
from tests.kit.waiting import wait_until

APP = "worker_plain:app"
GET = "GET / HTTP/1.1\r\nHost: h\r\n"
POST = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n"

# Setting -> its value for the narrow server, the request, the status there.  Elsewhere it is 200.
LIMITS: dict[str, tuple[str, str, int]] = {
    "limit_request_line": ("60", f"GET /{'a' * 60} HTTP/1.1\r\nHost: h\r\n\r\n", 414),
    "limit_request_fields": ("4", GET + "A: b\r\n" * 4 + "\r\n", 431),
    "limit_request_field_size": ("50", f"{GET}A: {'b' * 50}\r\n\r\n", 431),
    "limit_request_head": ("150", GET + ("A: 45678901234567890123456789\r\n" * 6) + "\r\n", 431),
    "limit_request_body": ("9", POST + "x" * 10, 413),
}  # fmt: skip

# Setting -> the request that only a lenient server takes.
LENIENCIES: dict[str, str] = {
    "permit_obsolete_folding": GET + "A: b\r\n c\r\n\r\n",
    "strip_header_spaces": GET + "A : b\r\n\r\n",
    "permit_unconventional_http_method": "GO#TO / HTTP/1.1\r\nHost: h\r\n\r\n",
    "permit_unconventional_http_version": "GET / HTTP/3.7\r\nHost: h\r\n\r\n",
}


def status(server: RunningServer, request: str) -> int:
    with RawClient(server.endpoint) as client:
        client.send(request.encode("latin-1"))
        return client.read_response().status


def option(name: str, value: str | None = None) -> list[str]:
    flag = f"--{name.replace('_', '-')}"
    return [flag] if value is None else [flag, value]


@pytest.mark.effect(
    "limit_request_line", "limit_request_fields", "limit_request_field_size", "limit_request_head",
    "limit_request_body",
)  # fmt: skip
def test_limits_of_a_request_are_those_that_are_set(start_server: Starter) -> None:
    """A server with all of them would hide one behind another, so each has its own."""
    usual = start_server("mirror:app")
    for name, (value, request, expected) in LIMITS.items():
        assert status(usual, request) == 200, name
        narrow = start_server("mirror:app", *option(name, value))
        assert status(narrow, request) == expected, name


@pytest.mark.effect(
    "permit_obsolete_folding", "strip_header_spaces", "permit_unconventional_http_method",
    "permit_unconventional_http_version",
)  # fmt: skip
def test_unusual_requests_are_taken_only_where_they_are_permitted(start_server: Starter) -> None:
    strict = start_server("mirror:app")
    lenient = start_server("mirror:app", *(word for name in LENIENCIES for word in option(name)))
    for name, request in LENIENCIES.items():
        assert status(strict, request) in (400, 501, 505), name
        assert status(lenient, request) == 200, name


@pytest.mark.effect("casefold_http_method")
def test_method_in_lower_case_becomes_upper_case_if_asked(start_server: Starter) -> None:
    request = "get /environ HTTP/1.1\r\nHost: h\r\n\r\n"
    assert status(start_server(APP), request) == 400
    server = start_server(APP, "--casefold-http-method")
    with RawClient(server.endpoint) as client:
        client.send(request.encode())
        assert "REQUEST_METHOD=GET" in client.read_response().text.splitlines()


@pytest.mark.effect("header_map")
def test_field_with_an_underscore_is_dropped_refused_or_passed_on(start_server: Starter) -> None:
    fields = [("X_Role", "admin")]
    found = {}
    for value in ("drop", "refuse", "dangerous"):
        answer = start_server(APP, "--header-map", value).get("/environ", fields)
        found[value] = (answer.status, "HTTP_X_ROLE=admin" in answer.text)
    assert found == {"drop": (200, False), "refuse": (400, False), "dangerous": (200, True)}


@pytest.mark.effect("keepalive")
def test_idle_connection_is_closed_after_keepalive(start_server: Starter) -> None:
    short = start_server(APP, "--keep-alive", "200ms").connect()
    long = start_server(APP, "--keep-alive", "1m").connect()
    for client in (short, long):
        assert client.request("GET", "/pid").status == 200
    short.expect_end(timeout=5)
    assert long.request("GET", "/pid").status == 200


@pytest.mark.effect("body_timeout")
def test_body_that_pauses_for_body_timeout_is_answered_with_408(start_server: Starter) -> None:
    client = start_server(APP, "--body-timeout", "300ms").connect()
    client.send(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345")
    assert client.read_response().status == 408


@pytest.mark.effect("max_requests_jitter")
def test_jitter_is_added_to_max_requests(start_server: Starter) -> None:
    """Alone, max_requests=1 replaces the worker after its first request."""
    server = start_server(APP, "--max-requests", "1", "--max-requests-jitter", str(2**31 - 1))
    assert len({server.get("/pid").text for _ in range(5)}) == 1
    assert "replace" not in server.log.text().lower()


# -- files


def buffered(worker: int) -> int:
    """Files without a name, in a directory of this test, that a worker has open."""
    links = []
    for link in Path(f"/proc/{worker}/fd").iterdir():
        try:
            links.append(os.readlink(link))
        except FileNotFoundError:
            continue
    return sum("fastfork-bodies" in link for link in links)


@pytest.fixture
def bodies() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fastfork-bodies") as folder:
        yield Path(folder)


@pytest.mark.effect("body_buffer", "tmp_upload_dir")
@pytest.mark.parametrize(("limit", "files"), [("64K", 1), ("1M", 0)])
def test_body_beyond_body_buffer_is_in_a_file_in_tmp_upload_dir(
    start_server: Starter, bodies: Path, limit: str, files: int
) -> None:
    server = start_server(APP, "--body-buffer", limit, "--tmp-upload-dir", str(bodies))
    (worker,) = server.worker_pids()
    client = server.connect()
    client.send(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n")
    client.send(b"x" * 199_999)
    # Whoever is answered now has come after those bytes, to a worker with one thread.
    wait_until(lambda: server.get("/pid").status == 200 and buffered(worker) >= files, "the body")
    assert buffered(worker) == files
    client.send(b"x")
    assert client.read_response().status == 200


@pytest.mark.effect("response_buffer")
def test_client_that_lets_more_wait_than_response_buffer_is_disconnected(
    start_server: Starter,
) -> None:
    """The application pushes 32 MiB by write(), more than the sockets hold; nobody reads."""
    refusal = "more than response_buffer"
    narrow = start_server("pushing:app", "--response-buffer", "1M")
    narrow.connect().send_request("GET", "/")
    narrow.log.wait_for(refusal)
    wide = start_server("pushing:app", "--response-buffer", "1G")
    wide.connect().send_request("GET", "/")
    wide.log.wait_for("pushed it all")
    assert refusal not in wide.log.text()


@pytest.mark.effect("sendfile")
@pytest.mark.parametrize("asked", ["--sendfile", "--no-sendfile"])
def test_file_is_sent_by_sendfile_or_in_blocks(start_server: Starter, asked: str) -> None:
    """In both cases whole; how, the application sees by the class that it is given."""
    server = start_server("filed:app", asked)
    answer = server.get("/")
    assert len(answer.body) == 300_000
    module = "wsgiref" if asked == "--no-sendfile" else "fastfork"
    assert answer.get("Wrapper") == module


@pytest.mark.effect("sendfile")
@pytest.mark.parametrize("asked", ["--sendfile", "--no-sendfile"])
def test_other_files_are_sent_by_sendfile_or_in_blocks(
    start_server: Starter, tmp_path: Path, asked: str
) -> None:
    """Static files and ASGI's, on a system where sendfile(2) gives zeros."""
    data = bytes(range(1, 256)) * 2000
    path = tmp_path / "root" / "large.bin"
    path.parent.mkdir()
    path.write_bytes(data)
    server = start_server(
        *("asgi_filed:app", "-k", "asgi", "--static-path", f"/static={path.parent}", asked),
        env={"LD_PRELOAD": preloaded(tmp_path, SOURCE.with_name("zeros.c")), "FILE": str(path)},
    )
    sent = data if asked == "--no-sendfile" else bytes(len(data))
    for target in ("/static/large.bin", "/pathsend"):
        assert server.get(target).body == sent
    assert server.get("/zerocopysend").body == 2 * sent


# -- names


@pytest.mark.effect("server_header")
def test_server_says_the_name_that_is_set(start_server: Starter) -> None:
    usual = start_server(APP).get("/environ")
    assert usual.get("Server") == "fastfork"
    server = start_server(APP, "--server-header", "shop/1.0")
    answer = server.get("/environ")
    assert answer.get("Server") == "shop/1.0"
    assert "SERVER_SOFTWARE=shop/1.0" in answer.text.splitlines()
    with server.connect() as client:
        client.send(b"no request\r\n\r\n")
        refused = client.read_response()
    assert (refused.status, refused.get("Server")) == (400, "shop/1.0")


def test_longest_name_of_a_server_fits(start_server: Starter) -> None:
    server = start_server(APP, "--server-header", "x" * 200)
    assert server.get("/environ").get("Server") == "x" * 200


@pytest.mark.effect("default_proc_name")
def test_default_proc_name_is_the_name_when_there_is_no_other(start_server: Starter) -> None:
    server = start_server(APP, config="default_proc_name = 'till'")
    wait_until(lambda: b"[till]" in cmdline(server.pid), "the title has the name")
    server = start_server(APP, "-n", "shop", config="default_proc_name = 'till'")
    wait_until(lambda: b"[shop]" in cmdline(server.pid), "the title has the other name")


def cmdline(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.effect("loglevel")
def test_log_begins_at_its_level(start_server: Starter, tmp_path: Path) -> None:
    path = tmp_path / "quiet.sock"
    quiet = start_server(APP, "--log-level", "warning", "-b", f"unix:{path}", ready=False)
    wait_until(path.exists, "it listens")
    quiet.endpoint = str(path)
    assert quiet.get("/pid").status == 200
    assert "[INFO]" not in quiet.log.text()
    assert "[INFO]" in start_server(APP).log.text()


@pytest.mark.effect("spew")
def test_each_line_of_the_application_is_printed(start_server: Starter) -> None:
    server = start_server(APP, "--spew")
    assert server.get("/pid").status == 200
    server.log.wait_for("return text(start_response, str(os.getpid()))")
    assert "fastfork/workers" not in server.log.text()


@pytest.mark.effect("worker_tmp_dir")
def test_worker_tmp_dir_is_said_to_have_no_effect(start_server: Starter) -> None:
    server = start_server(APP, "--worker-tmp-dir", "/dev/shm")
    assert server.log.wait_for("worker_tmp_dir: is not needed")


@pytest.mark.effect("worker_class")
@pytest.mark.parametrize("value", ["sync", "gunicorn.workers.sync.SyncWorker", "egg:gunicorn#sync"])
def test_worker_class_by_gunicorns_names_serves(start_server: Starter, value: str) -> None:
    assert start_server(APP, "-k", value).get("/pid").status == 200


# -- which settings, which application


@pytest.mark.effect("config", "wsgi_app")
def test_config_file_that_is_named_names_the_application(tmp_path: Path) -> None:
    (tmp_path / "deploy.toml").write_text("wsgi_app = 'worker_plain:app'\nbind = 'nonsense:x'\n")
    done = command(tmp_path, "-c", "deploy.toml")
    assert done.returncode == 1
    assert "deploy.toml line 2" in done.stderr
    (tmp_path / "deploy.toml").write_text("wsgi_app = 'worker_plain:nothing'\n")
    done = command(tmp_path, "-c", "deploy.toml")
    assert done.returncode == 4
    assert "worker_plain" in done.stderr


@pytest.mark.effect("check_config", "print_config")
def test_check_and_print_end_without_a_server(tmp_path: Path) -> None:
    done = command(tmp_path, "--check-config", APP)
    assert (done.returncode, done.stdout) == (0, "")
    assert command(tmp_path, "--check-config", "nothing_here:app").returncode == 1
    done = command(tmp_path, "--print-config", "-w", "3")
    assert done.returncode == 0
    assert "workers = 3" in done.stdout


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "fastfork", *words],
        cwd=folder,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


# -- threads


class Held:
    """A server with two threads, and requests that stay in the application until `let_go`."""

    def __init__(self, start_server: Starter, go: Path) -> None:
        self._start = start_server
        self._go = go
        go.write_text("wait")

    def start(self, *options: str, workers: int = 1) -> RunningServer:
        words = ("--threads", "2", "-k", "gthread", *options)
        env = {"SUPERVISED_FILE": str(self._go)}
        return self._start("supervised:app", *words, env=env, workers=workers)

    def hold(self, server: RunningServer, count: int) -> None:
        """Send `count` requests that wait, each on a connection of its own."""
        for number in range(count):
            server.connect().send_request("GET", "/wait")
            server.log.wait_for("The application gets /wait", count=number + 1)

    def let_go(self) -> None:
        self._go.write_text("go")


@pytest.fixture
def held(start_server: Starter, tmp_path: Path) -> Iterator[Held]:
    made = Held(start_server, tmp_path / "go")
    yield made
    made.let_go()


@pytest.mark.effect("threads")
def test_second_thread_answers_while_the_first_is_held(held: Held) -> None:
    server = held.start()
    held.hold(server, 1)
    assert server.get("/pid").status == 200


@pytest.mark.effect("queue_timeout")
def test_request_that_waits_for_a_thread_gets_503(held: Held) -> None:
    server = held.start("--queue-timeout", "300ms", "--keep-alive", "60")
    client = server.connect()
    assert client.request("GET", "/pid").status == 200
    held.hold(server, 2)
    client.send_request("GET", "/pid")
    answer = client.read_response()
    assert (answer.status, answer.get("Retry-After")) == (503, "1")


@pytest.mark.effect("request_timeout")
def test_worker_with_a_request_beyond_request_timeout_is_replaced(held: Held) -> None:
    server = held.start("--request-timeout", "500ms", "--graceful-timeout", "1")
    (before,) = server.worker_pids()
    held.hold(server, 1)
    server.wait_for_workers(1, without=[before])
    assert server.get("/pid").status == 200


@pytest.mark.effect("share_connections")
@pytest.mark.parametrize("shares", [True, False])
def test_request_to_a_busy_worker_is_answered_by_the_other_if_they_share(
    held: Held, shares: bool
) -> None:
    options = [] if shares else ["--no-share-connections"]
    server = held.start("--threads", "1", "--keep-alive", "60", *options, workers=2)
    client, holder = two_on_one_worker(server)
    busy = client.request("GET", "/pid").text
    holder.send_request("GET", "/wait")
    server.log.wait_for("The application gets /wait")
    client.send_request("GET", "/pid")
    if not shares:
        client.expect_silence(0.3)
        held.let_go()
    assert (client.read_response().text == busy) is not shares


def two_on_one_worker(server: RunningServer) -> tuple[RawClient, RawClient]:
    """Two connections that stay open, to the same worker of two."""
    seen: dict[str, RawClient] = {}
    for _ in range(3):
        client = server.connect()
        pid = client.request("GET", "/pid").text
        if pid in seen:
            return seen[pid], client
        seen[pid] = client
    raise AssertionError(f"three connections to more than two workers: {list(seen)}")
