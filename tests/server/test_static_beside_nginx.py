"""The same requests for the same files, to us and to nginx: where the answers differ, and why.

nginx has `root`, `gzip_static on`, `gzip_vary on` and `charset utf-8`; we have `static_index`.

Runs in: cli
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.client import Endpoint, RawClient
from tests.kit.nginx import Nginx
from tests.kit.response import Response

OLD = 1_600_000_000  # seconds since 1970
DATE = "Sun, 13 Sep 2020 12:26:40 GMT"
EARLIER, LATER = "Sun, 13 Sep 2020 12:26:39 GMT", "Sun, 13 Sep 2020 12:26:41 GMT"
CSS = b"body { color: #333 }\n" * 60  # 1260 bytes
LARGE = bytes(range(256)) * 400  # 102400 bytes
# What is compared besides status and body, and of an error no more than the status: the pages are
# each server's own.  Not: what ETag looks like, and Cache-Control and X-Content-Type-Options, which
# nginx sends where it is told to.
FIELDS = (
    "content-type", "content-length", "content-range", "content-encoding", "accept-ranges",
    "last-modified", "vary", "location", "allow",
)  # fmt: skip

# A request: target below /static/, then fields, then the method.  {etag} stands for the one that
# the server itself gives the file.
Row = tuple[str, dict[str, str]] | tuple[str, dict[str, str], str]

# Our status -> requests that both answer alike.
SAME: dict[int, list[Row]] = {
    200: [
        ("app.css", {}),
        ("large.bin", {}),
        ("empty.txt", {}),
        ("app.wasm", {}),
        ("font.woff2", {}),
        ("image.svg", {}),
        ("none", {}),
        ("app.css", {}, "HEAD"),
        ("large.bin", {}, "HEAD"),
        ("empty.txt", {}, "HEAD"),
        ("app.css?v=1", {}),
        ("%61pp.css", {}),
        ("with%20space.txt", {}),
        ("plus+.txt", {}),
        ("a;b.txt", {}),
        ("caf%C3%A9.txt", {}),
        ("percent%2541.txt", {}),
        ("dir/", {}),
        ("dir/file.txt", {}),
        (".well-known/security.txt", {}),
        ("inside.css", {}),
        ("app.css", {"If-None-Match": '"a"'}),
        ("app.css", {"If-None-Match": "a"}),
        ("app.css", {"If-Modified-Since": EARLIER}),
        ("app.css", {"If-Modified-Since": "yesterday"}),
        ("app.css", {"If-Modified-Since": DATE, "If-None-Match": '"a"'}),
        ("app.css", {"If-Match": "{etag}"}),
        ("app.css", {"If-Match": "*"}),
        ("app.css", {"If-Unmodified-Since": DATE}),
        ("app.css", {"If-Unmodified-Since": LATER}),
        ("large.bin", {"Range": "items=0-9"}),
        ("large.bin", {"Range": "bytes=0-9", "If-Range": "W/{etag}"}),
        ("large.bin", {"Range": "bytes=0-9", "If-Range": '"a"'}),
        ("large.bin", {"Range": "bytes=0-9", "If-Range": LATER}),
        ("large.bin", {"Range": "bytes=0-9", "If-Range": EARLIER}),
        ("empty.txt", {"Range": "bytes=-1"}),
        ("app.css", {"Accept-Encoding": "gzip"}),
        ("coded.css", {}),
        ("coded.css", {"Accept-Encoding": "gzip;q=0"}),
        ("coded.css", {"Accept-Encoding": "identity"}),
    ],
    400: [("app.css%00", {})],
    404: [("fifo", {})],
    412: [
        ("app.css", {"If-Match": '"a"'}),
        ("app.css", {"If-Match": "W/{etag}"}),
        ("app.css", {"If-Unmodified-Since": EARLIER}),
    ],
    416: [
        ("large.bin", {"Range": "bytes=102400-"}),
        ("large.bin", {"Range": "bytes=-0"}),
    ],
}

# Why, our status (0: the application is asked), what nginx answers, and the requests.
DIFFERENT: list[tuple[str, int, dict[str, object], list[Row]]] = [
    (
        "what is not there is the application's to answer",
        0,
        {"status": 404},
        [
            ("missing", {}),
            ("missing", {}, "POST"),
            ("app.css/", {}),
            ("app.css/more", {}),
            ("dir/missing.txt", {}),
            ("a/" * 2000, {}),
        ],
    ),
    ("... and so is a directory without an index", 0, {"status": 403}, [("", {})]),
    (
        "a script is text/javascript since RFC 9239",
        200,
        {"content-type": "application/javascript; charset=utf-8"},
        [("app.js", {})],
    ),
    (
        "our own table knows more types than /etc/nginx/mime.types of 1.22",
        200,
        {"content-type": "application/octet-stream"},
        [("app.mjs", {}), ("app.webmanifest", {}), ("app.js.map", {}), ("coded.css.gz", {})],
    ),
    (
        "405 has Allow (RFC 9110 section 15.5.6)",
        405,
        {"allow": None},
        [("app.css", {}, method) for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH")],
    ),
    (
        "the way to the slash is relative: what is in front may have another host, port or path",
        301,
        {"location": "http://test/static/dir/"},
        [("dir", {})],
    ),
    ("... with its query", 301, {"location": "http://test/static/dir/?a=b"}, [("dir?a=b", {})]),
    (
        "304 has no Last-Modified beside an ETag (RFC 9110 section 15.4.5)",
        304,
        {"last-modified": DATE},
        [
            ("app.css", {"If-None-Match": "{etag}"}),
            ("app.css", {"If-None-Match": "W/{etag}"}),
            ("app.css", {"If-None-Match": '"a", {etag}'}),
            ("app.css", {"If-None-Match": '"a",W/{etag},"b"'}),
            ("app.css", {"If-None-Match": "*"}),
            ("app.css", {"If-None-Match": "{etag}"}, "HEAD"),
            ("app.css", {"If-Modified-Since": DATE}),
        ],
    ),
    (
        "a later date is as good (section 13.1.3); nginx wants the very one",
        304,
        {"status": 200},
        [("app.css", {"If-Modified-Since": LATER})],
    ),
    (
        "with If-None-Match the date does not count (section 13.1.3)",
        304,
        {"status": 200},
        [("app.css", {"If-Modified-Since": EARLIER, "If-None-Match": "{etag}"})],
    ),
    (
        "206 says Accept-Ranges too",
        206,
        {"accept-ranges": None},
        [
            *(
                ("large.bin", {"Range": f"bytes={which}"})
                for which in (
                    "0-9",
                    "0-0",
                    "-1",
                    "102390-",
                    "0-",
                    "102390-200000",
                    "-200000",
                    "100-99999",
                )
            ),
            ("large.bin", {"Range": "bytes=0-9", "If-Range": "{etag}"}),
            ("large.bin", {"Range": "bytes=0-9", "If-Range": DATE}),
        ],
    ),
    (
        "a malformed range is ignored (section 14.2)",
        200,
        {"status": 416},
        [("large.bin", {"Range": "bytes=5-2"}), ("large.bin", {"Range": "bytes=a-b"})],
    ),
    (
        "several ranges get the whole file, which section 14.2 allows: no client needs them",
        200,
        {"status": 206},
        [("large.bin", {"Range": "bytes=0-1,5-6"})],
    ),
    (
        "a range is for GET alone (section 14.2)",
        200,
        {"status": 206},
        [("large.bin", {"Range": "bytes=0-9"}, "HEAD")],
    ),
    (
        "an empty file has no first byte",
        416,
        {"status": 200},
        [("empty.txt", {"Range": "bytes=0-0"})],
    ),
    (
        "parts of a compressed file can be asked for: it has an ETag of its own",
        200,
        {"accept-ranges": None},
        [
            ("coded.css", {"Accept-Encoding": "gzip"}),
            ("coded.css", {"Accept-Encoding": "br, gzip;q=0.5"}),
            ("coded.css", {"Accept-Encoding": "gzip, identity;q=0"}),
            ("coded.css", {"Accept-Encoding": "gzip"}, "HEAD"),
        ],
    ),
    (
        "... and are sent",
        206,
        {"status": 200},
        [("coded.css", {"Accept-Encoding": "gzip", "Range": "bytes=0-9"})],
    ),
    (
        "* and x-gzip are gzip too (section 12.5.3 and 8.4.1.3)",
        200,
        {"body": CSS, "content-length": str(len(CSS)), "content-encoding": None},
        [("coded.css", {"Accept-Encoding": value}) for value in ("*", "x-gzip")],
    ),
    (
        "a file has one URL, and nothing outside has any: nginx resolves `..` first",
        404,
        {"status": 200},
        [
            ("../outside.txt", {}),
            ("..%2foutside.txt", {}),
            ("%2e%2e/outside.txt", {}),
            ("dir/../app.css", {}),
            ("./app.css", {}),
            ("/app.css", {}),
            ("dir%2ffile.txt", {}),
        ],
    ),
    (
        "what begins with a dot is not meant for others",
        404,
        {"status": 200},
        [(".secret", {}), ("%2esecret", {})],
    ),
    ("a link may not lead out", 404, {"status": 200}, [("out.txt", {})]),
    ("no file can have such a name", 414, {"status": 404}, [("a" * 300, {})]),
]


def make_tree(root: Path) -> None:
    files = {
        "app.css": CSS,
        "coded.css": CSS,
        "coded.css.gz": gzip.compress(CSS),
        "large.bin": LARGE,
        "empty.txt": b"",
        "app.js": b"let a",
        "app.mjs": b"let a",
        "app.wasm": b"\0asm",
        "app.webmanifest": b"{}",
        "app.js.map": b"{}",
        "font.woff2": b"font",
        "image.svg": b"<svg/>",
        "none": b"?",
        "dir/index.html": b"<p>dir",
        "dir/file.txt": b"file",
        ".secret": b"secret",
        ".well-known/security.txt": b"Contact: a@b",
        "with space.txt": b"space",
        "plus+.txt": b"plus",
        "a;b.txt": b"semicolon",
        "caf\u00e9.txt": b"coffee",
        "percent%41.txt": b"percent",
    }
    for name, data in files.items():
        path = root / "static" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (OLD, OLD))
    (root / "outside.txt").write_bytes(b"outside")
    os.symlink("app.css", root / "static/inside.css")
    os.symlink("../outside.txt", root / "static/out.txt")
    os.mkfifo(root / "static/fifo")


@pytest.fixture
def servers(start_server: Starter, tmp_path: Path) -> Iterator[tuple[Endpoint, Endpoint]]:
    """Where we are, and nginx."""
    root = tmp_path / "root"
    make_tree(root)
    server = start_server("mirror:app", "--static-path", f"/static={root}/static", "--static-index")
    nginx = Nginx(tmp_path, root=root)
    try:
        yield server.endpoint, nginx.front
    finally:
        nginx.stop()


def asked(where: Endpoint, row: Row) -> Response:
    target, given, *rest = row
    etag = ""
    with RawClient(where) as client:
        if any("{etag}" in value for value in given.values()):
            etag = client.request("GET", f"/static/{target}").get("etag") or ""
        fields = [(name, value.replace("{etag}", etag)) for name, value in given.items()]
        return client.request(rest[0] if rest else "GET", f"/static/{target}", fields)


def status_of(ours: Response) -> int:
    """0: the application has answered."""
    return 0 if ours.get("mirror") else ours.status


def differences(ours: Response, theirs: Response) -> dict[str, object]:
    """What nginx says, where that is something else."""
    if theirs.status != status_of(ours):
        return {"status": theirs.status}
    found: dict[str, object] = {}
    of_errors = ("allow", "location", "content-range", "last-modified")
    for name in FIELDS if theirs.status < 300 else of_errors:
        if theirs.get(name) != ours.get(name):
            found[name] = theirs.get(name)
    if theirs.status < 300 and theirs.body != ours.body:
        found["body"] = theirs.body
    return found


def test_answers_differ_from_those_of_nginx_where_the_table_says_so(
    servers: tuple[Endpoint, Endpoint],
) -> None:
    ours, theirs = servers
    expected: list[tuple[Row, int, dict[str, object]]] = [
        (row, status, {}) for status, rows in SAME.items() for row in rows
    ]
    expected += [(row, status, nginx) for _why, status, nginx, rows in DIFFERENT for row in rows]
    found = []
    for row, _status, _nginx in expected:
        answer = asked(ours, row)
        found.append((row, status_of(answer), differences(answer, asked(theirs, row))))
    assert found == expected
    assert len(found) >= 90
