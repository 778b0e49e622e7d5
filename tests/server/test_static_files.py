"""Static files of a running server: what a browser sees, and what the application does not.

Runs in: cli
"""

from __future__ import annotations

import gzip
import json
import os
import signal
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.admin import ADMIN, endpoint, samples
from tests.kit.client import RawClient
from tests.kit.faults import SOURCE, preloaded
from tests.kit.response import Response
from tests.kit.server import RunningServer
from tests.kit.tls import Authority, TlsClient
from tests.kit.waiting import wait_until

APP = "mirror:app"  # answers everything else, with a field that says so
OLD = 1_600_000_000  # seconds since 1970
CSS = b"body { color: #333 }\n" * 50
SCRIPT = b"export const x = 1;\n" * 200  # 4 KB: read and sent with the head
LARGE = bytes(range(256)) * (16 << 10)  # 4 MiB: sent by sendfile(2), in several turns
KINDS = {
    "sync": (),
    "threads": ("--threads", "3"),
    "gevent": ("-k", "gevent"),
    "httptools": ("--http-parser", "httptools"),
}


def write(path: Path, data: bytes, at: float = OLD) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (at, at))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """css/app.css with .gz, app-BkDq1x2Y.js, large.bin, docs/index.html, a link that leads out."""
    root = tmp_path / "root"
    write(root / "css/app.css", CSS)
    write(root / "css/app.css.gz", gzip.compress(CSS))
    write(root / "app-BkDq1x2Y.js", SCRIPT)
    write(root / "large.bin", LARGE)
    write(root / "docs/index.html", b"<p>docs")
    write(root / "font.woff2", b"font")
    write(tmp_path / "outside.txt", b"outside")
    os.symlink("../outside.txt", root / "out.txt")
    return root


def mount(tree: Path) -> tuple[str, str]:
    return "--static-path", f"/static={tree}"


def is_of_application(answer: Response) -> bool:
    return answer.get("mirror") is not None


@pytest.mark.effect("static_path")
@pytest.mark.parametrize("kind", KINDS)
def test_files_are_served_and_all_else_is_the_applications(
    start_server: Starter, tree: Path, kind: str
) -> None:
    server = start_server(APP, *mount(tree), *KINDS[kind])
    with server.connect() as client:
        for _ in range(2):
            for name, data in (("css/app.css", CSS), ("large.bin", LARGE)):
                answer = client.request("GET", f"/static/{name}")
                assert (answer.status, answer.body, answer.framing) == (200, data, "length")
                head = client.request("HEAD", f"/static/{name}")
                assert head.get("content-length") == str(len(data))
            assert is_of_application(client.request("GET", "/static/none.css"))
            assert is_of_application(client.request("GET", "/"))
        etag = client.request("GET", "/static/large.bin").get("etag")
        answer = client.request("GET", "/static/large.bin", [("If-None-Match", f"W/{etag}")])
        assert (answer.status, answer.body) == (304, b"")
        answer = client.request("GET", "/static/large.bin", [("Range", "bytes=-100000")])
        assert (answer.status, answer.body) == (206, LARGE[-100000:])
    without = start_server(APP)
    assert is_of_application(without.get("/static/css/app.css"))


def test_config_file_has_a_mapping(start_server: Starter, tree: Path) -> None:
    mounts = {"/static": str(tree), "/static/css": str(tree / "docs")}
    server = start_server(APP, config=f"static_path = {mounts!r}")
    assert server.get("/static/css/index.html").body == b"<p>docs"
    assert is_of_application(server.get("/static/css/app.css"))
    assert server.get("/static/docs/index.html").body == b"<p>docs"


@pytest.mark.parametrize("kind", KINDS)
def test_answers_come_in_the_order_of_the_requests(
    start_server: Starter, tree: Path, kind: str
) -> None:
    server = start_server(APP, *mount(tree), *KINDS[kind])
    names = ["css/app.css", "large.bin", "none", "app-BkDq1x2Y.js", "css/app.css"] * 8
    with server.connect() as client:
        heads = [f"GET /static/{name} HTTP/1.1\r\nHost: h\r\n\r\n" for name in names]
        client.send("".join(heads).encode())
        bodies = [client.read_response().body for _ in names]
    known = {"css/app.css": CSS, "large.bin": LARGE, "none": b"ok", "app-BkDq1x2Y.js": SCRIPT}
    assert bodies == [known[name] for name in names]


@pytest.mark.parametrize("kind", KINDS)
def test_old_clients_get_their_file_and_the_end(
    start_server: Starter, tree: Path, kind: str
) -> None:
    server = start_server(APP, *mount(tree), *KINDS[kind])
    for name, data in (("css/app.css", CSS), ("large.bin", LARGE)):
        with server.connect() as client:
            client.send(f"GET /static/{name} HTTP/1.0\r\n\r\n".encode())
            answer = client.read_response()
            assert (answer.status, answer.body) == (200, data)
            client.expect_end()


@pytest.mark.parametrize("kind", KINDS)
def test_files_come_through_tls(
    start_server: Starter, tree: Path, authority: Authority, kind: str
) -> None:
    pair = authority.issue("server")
    files = ("--certfile", str(pair.certificate), "--keyfile", str(pair.key))
    server = start_server(APP, *mount(tree), *files, *KINDS[kind])
    with TlsClient(server.endpoint, authority.client_context()) as client:
        for _ in range(2):
            assert client.request("GET", "/static/css/app.css").body == CSS
            assert client.request("GET", "/static/large.bin").body == LARGE
            part = client.request("GET", "/static/large.bin", [("Range", "bytes=5-50004")])
            assert (part.status, part.body) == (206, LARGE[5:50005])


def test_files_are_served_where_a_sandbox_refuses_openat2(
    start_server: Starter, tree: Path, tmp_path: Path
) -> None:
    preload = preloaded(tmp_path, SOURCE.with_name("refuser.c"))
    os.symlink("app.css", tree / "css/inside.css")
    server = start_server(
        APP, *mount(tree), "--static-index", env={"LD_PRELOAD": preload, "REFUSED": "openat2"}
    )
    assert server.get("/static/css/app.css").body == CSS
    assert server.get("/static/docs/").body == b"<p>docs"
    assert is_of_application(server.get("/static/css/none"))
    for link in ("out.txt", "css/inside.css"):  # none is followed then
        assert server.get(f"/static/{link}").status == 404


def test_slow_client_holds_up_nobody(start_server: Starter, tree: Path) -> None:
    server = start_server(APP, *mount(tree))
    with server.connect() as slow:
        slow.send_request("GET", "/static/large.bin")
        assert server.get("/static/css/app.css").body == CSS
        assert is_of_application(server.get("/"))
        assert slow.read_response().body == LARGE


def test_other_methods_get_405_once_their_body_is_read(start_server: Starter, tree: Path) -> None:
    server = start_server(APP, *mount(tree))
    with server.connect() as client:
        for body in (b"a=b", bytes(100_000), None):
            answer = client.request("POST", "/static/css/app.css", body=body)
            assert (answer.status, answer.get("allow")) == (405, "GET, HEAD")
        assert is_of_application(client.request("POST", "/static/none", body=b"a=b"))
        assert client.request("GET", "/static/css/app.css").body == CSS


def test_compressed_sibling_is_sent_to_who_takes_it(start_server: Starter, tree: Path) -> None:
    server = start_server(APP, *mount(tree))

    def asked(*accepted: str) -> Response:
        fields = [("Accept-Encoding", value) for value in accepted]
        return server.get("/static/css/app.css", fields)

    plain = asked()
    assert (plain.body, plain.get("vary"), plain.get("content-encoding")) == (
        CSS,
        "Accept-Encoding",
        None,
    )
    coded = asked("gzip, deflate, br, zstd")
    assert (coded.get("content-encoding"), coded.get("vary")) == ("gzip", "Accept-Encoding")
    assert coded.get("content-type") == plain.get("content-type")
    assert gzip.decompress(coded.body) == CSS
    assert coded.get("etag") != plain.get("etag")
    assert asked("gzip;q=0, *;q=0").body == CSS
    write(tree / "css/app.css.br", b"smaller")
    write(tree / "css/app.css.zst", b"small")
    wait_until(lambda: asked("gzip, br, zstd").body == b"small", "new variants are seen")
    assert asked("gzip, br").body == b"smaller"
    assert asked("gzip, br;q=0.9, zstd;q=0.1").get("content-encoding") == "gzip"
    assert asked("gzip;q=0.5, identity").body == CSS


def test_sibling_of_an_old_version_is_not_sent(start_server: Starter, tree: Path) -> None:
    server = start_server(APP, *mount(tree))
    gz = [("Accept-Encoding", "gzip")]
    assert server.get("/static/css/app.css", gz).get("content-encoding") == "gzip"
    write(tree / "css/app.css", b"new", OLD + 1)
    assert server.get("/static/css/app.css", gz).body == b"new"


@pytest.mark.effect("static_immutable", "static_max_age")
def test_clients_are_told_how_long_a_file_is_good(start_server: Starter, tree: Path) -> None:
    def told(server: RunningServer) -> list[str | None]:
        names = ("css/app.css", "app-BkDq1x2Y.js", "large.bin")
        return [server.get(f"/static/{name}").get("cache-control") for name in names]

    forever = "public, max-age=31536000, immutable"
    assert told(start_server(APP, *mount(tree))) == ["no-cache", forever, "no-cache"]
    server = start_server(
        APP, *mount(tree), "--static-max-age", "2m", "--static-immutable", r"large\.bin$"
    )
    assert told(server) == ["public, max-age=120", "public, max-age=120", forever]


@pytest.mark.effect("static_index")
def test_index_is_served_where_it_is_asked_for(start_server: Starter, tree: Path) -> None:
    without = start_server(APP, *mount(tree))
    assert is_of_application(without.get("/static/docs/"))
    assert is_of_application(without.get("/static/docs"))
    server = start_server(APP, *mount(tree), "--static-index")
    assert server.get("/static/docs/").body == b"<p>docs"
    answer = server.get("/static/docs?a=b")
    assert (answer.status, answer.get("location")) == (301, "docs/?a=b")
    assert is_of_application(server.get("/static/css/"))


@pytest.mark.effect("static_follow")
def test_link_leads_out_only_where_it_may(start_server: Starter, tree: Path) -> None:
    assert start_server(APP, *mount(tree)).get("/static/out.txt").status == 404
    server = start_server(APP, *mount(tree), "--static-follow")
    assert server.get("/static/out.txt").body == b"outside"
    assert server.get("/static/%2e%2e/outside.txt").status == 404


@pytest.mark.effect("static_fields")
def test_fields_are_added_by_pattern(start_server: Starter, tree: Path) -> None:
    server = start_server(
        APP, *mount(tree), "--static-fields", "*.woff2=Access-Control-Allow-Origin: *",
        "--static-fields", "/static/css/*=Cache-Control: private",
    )  # fmt: skip
    assert server.get("/static/font.woff2").get("access-control-allow-origin") == "*"
    answer = server.get("/static/css/app.css")
    assert answer.get("access-control-allow-origin") is None
    assert answer.get("cache-control") == "private"


@pytest.mark.effect("static_access_log")
def test_access_log_has_static_files_or_not(start_server: Starter, tree: Path) -> None:
    log = ("--access-logfile", "a.log", "--access-logformat", "%(U)s %(s)s %(B)s %({vary}o)s")
    css, hidden = "/static/css/app.css 200 1050 Accept-Encoding", "/static/.git 404 141 -"
    other = "/ 200 2 -"
    for options, expected in (
        ((), [css, hidden, other]),
        (("--no-static-access-log",), [other]),
    ):
        server = start_server(APP, *mount(tree), *log, *options)
        for path in ("/static/css/app.css", "/static/.git", "/"):
            server.get(path)
        lines = server.files / "a.log"
        wait_until(lambda lines=lines: "/ 200" in lines.read_text(), "the last line is written")
        assert lines.read_text().splitlines() == expected


def test_no_hook_and_no_application_sees_the_request(start_server: Starter, tree: Path) -> None:
    config = """
def pre_request(worker, req):
    worker.log.info("before %s", req.path)
def post_request(worker, req, environ, resp):
    worker.log.info("after %s", req.path)
"""
    for kind in ("sync", "gevent"):
        log = ("--access-logfile", "a.log", "--access-logformat", "%(U)s")
        server = start_server(APP, *mount(tree), *KINDS[kind], *log, config=config)
        paths = ["/static/css/app.css", "/static/.git", "/other"]
        for path in paths:
            server.get(path)
        server.log.wait_for("after /other")
        assert "/static/" not in server.log.text()
        lines = server.files / "a.log"
        wait_until(lambda lines=lines: "/other" in lines.read_text(), "the last line is written")
        assert lines.read_text().splitlines() == paths


def test_metrics_count_static_answers(start_server: Starter, tree: Path) -> None:
    server = start_server(APP, *mount(tree), *ADMIN)
    for path in ("/static/css/app.css", "/static/.git", "/static/none", "/"):
        server.get(path)
    found = samples(endpoint(server))
    assert found["fastfork_static_answers_total"] == 2
    assert found['fastfork_requests_total{status="2xx"}'] == 3
    assert found['fastfork_requests_total{status="4xx"}'] == 1


def test_script_name_is_taken_off_first(start_server: Starter, tree: Path) -> None:
    server = start_server(APP, *mount(tree), "--env", "SCRIPT_NAME=/shop")
    assert server.get("/shop/static/css/app.css").body == CSS
    assert is_of_application(server.get("/shop/static/none"))
    named = [("X-Script-Name", "/shop")]
    assert server.get("/static/css/app.css", named).status == 500  # not below SCRIPT_NAME


def test_link_to_the_directory_is_resolved_anew_by_a_reload(
    start_server: Starter, tmp_path: Path
) -> None:
    for release in ("1", "2"):
        write(tmp_path / release / "release.txt", release.encode())
    current = tmp_path / "current"
    os.symlink("1", current)
    server = start_server(APP, "--static-path", f"/static={current}")
    assert server.get("/static/release.txt").body == b"1"
    os.symlink("2", tmp_path / "next")
    os.replace(tmp_path / "next", current)
    assert server.get("/static/release.txt").body == b"1"
    before = server.worker_pids()
    server.signal("reload")
    server.wait_for_workers(1, without=before)
    assert server.get("/static/release.txt").body == b"2"


def test_reload_with_a_missing_directory_changes_nothing(start_server: Starter, tree: Path) -> None:
    server = start_server(APP, config=f"static_path = {{'/static': {str(tree)!r}}}")
    server.write_config("static_path = {'/static': '/none/such'}")
    server.signal("reload")
    server.log.wait_for("static_path: /static=/none/such: that is not a directory")
    assert server.get("/static/css/app.css").body == CSS


def test_large_file_that_becomes_shorter_ends_the_connection(
    start_server: Starter, tmp_path: Path
) -> None:
    huge = tmp_path / "root/huge.bin"
    huge.parent.mkdir()
    with huge.open("wb") as file:
        file.truncate(64 << 20)
    server = start_server(APP, "--static-path", f"/static={tmp_path / 'root'}")
    with RawClient(server.endpoint) as client:
        client.send_request("GET", "/static/huge.bin")
        client.sock.recv(1000)
        os.truncate(huge, 1 << 20)
        while client.sock.recv(1 << 20):
            pass
    server.log.wait_for("has become shorter; the connection is closed")


def test_worker_that_is_told_to_go_sends_its_file_first(start_server: Starter, tree: Path) -> None:
    write(tree / "huge.bin", LARGE * 8)
    server = start_server(APP, *mount(tree))
    with server.connect() as client:
        client.send_request("GET", "/static/huge.bin")
        first = client.sock.recv(1000)
        server.signal(signal.SIGTERM)
        server.log.wait_for("Stopping")
        rest = b""
        while block := client.sock.recv(1 << 20):
            rest += block
        head, _, body = (first + rest).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK")
        assert body == LARGE * 8
    assert server.wait_exit() == 0


def test_mirror_shows_that_the_environ_is_the_usual_one(start_server: Starter, tree: Path) -> None:
    """What was asked of the files leaves nothing behind for the application."""
    with_files, without = start_server(APP, *mount(tree)), start_server(APP)
    seen = [
        json.loads(server.get("/static/none").get("mirror") or "{}")
        for server in (with_files, without)
    ]
    for environ in seen:
        for key in ("REMOTE_PORT", "SERVER_PORT"):
            del environ[key]
    assert seen[0] == seen[1]
