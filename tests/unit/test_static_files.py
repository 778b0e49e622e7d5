"""Which file a request gets, and with which fields: the compiled part alone, on a tree of files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastfork._core.apps.conditions import http_date
from fastfork._core.apps.static import answer_to
from tests.kit.static import CSS, LARGE, OLD, SECRET, Site, ask


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    assert not made.lines


def test_file_is_sent_with_what_is_known_of_it(site: Site) -> None:
    got = ask(site.files(), "/static/css/app.css")
    facts = (site.root / "css/app.css").stat()
    assert (got.status, got.body) == (200, CSS)
    assert got.fields == {
        "Content-Type": "text/css; charset=utf-8",
        "ETag": f'"{facts.st_mtime_ns:x}-{facts.st_size:x}-{facts.st_ino:x}"',
        "Last-Modified": http_date(OLD),
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
    }


def test_large_file_is_sent_by_its_descriptor(site: Site) -> None:
    files = site.files()
    assert ask(files, "/static/large.bin").body == b"0+%d" % LARGE
    got = ask(files, "/static/large.bin", range="bytes=100-40099")
    assert (got.status, got.body) == (206, b"100+40000")
    assert got.fields["Content-Range"] == f"bytes 100-40099/{LARGE}"


def test_head_has_the_length_and_no_body(site: Site) -> None:
    for name, size in (("css/app.css", len(CSS)), ("large.bin", LARGE), ("empty.txt", 0)):
        got = ask(site.files(), f"/static/{name}", "HEAD", range="bytes=0-9")
        assert (got.status, got.fields["Content-Length"], got.body) == (200, str(size), b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW", "get"])
def test_other_methods_are_not_for_files(site: Site, method: str) -> None:
    files = site.files()
    got = ask(files, "/static/css/app.css", method)
    assert (got.status, got.fields["Allow"]) == (405, "GET, HEAD")
    assert "Cache-Control" not in got.fields
    assert ask(files, "/static/none.css", method).status == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/static/none.css", 0),
        ("/static/css/none.css", 0),
        ("/static/css/app.css/", 0),
        ("/static/css/app.css/more", 0),
        ("/static/css", 0),
        ("/static/css/", 0),
        ("/static/", 0),
        ("/static", 0),
        ("/", 0),
        ("/staticcss/app.css", 0),
        ("/stat", 0),
        ("//static/css/app.css", 0),
        ("*", 0),
        ("/static/css/app.css?v=1", 200),
        ("/static/css/app.css?a=%2f", 200),
        ("/static/css/%61pp.css", 200),
        ("/static/na%C3%AFve%20file.txt", 200),
        ("/static/.well-known/security.txt", 200),
        ("/static/inside.css", 200),
        ("/static//css/app.css", 404),
        ("/static/css//app.css", 404),
        ("/static/./css/app.css", 404),
        ("/static/css/../css/app.css", 404),
        ("/static/css/%2e%2e/css/app.css", 404),
        ("/static/../outside", 404),
        ("/static/..%2foutside", 404),
        ("/static/%2e%2e/outside", 404),
        ("/static/%2e%2e%2Foutside", 404),
        ("/static/%252e%252e/outside", 0),
        ("/static/..\\outside", 404),
        ("/static/css%2fapp.css", 404),
        ("/static/css%2Fapp.css", 404),
        ("/static/.secret", 404),
        ("/static/%2esecret", 404),
        ("/static/.none", 404),
        ("/static/.well-known/.secret", 404),
        ("/static/outside.txt", 404),
        ("/static/up/outside", 404),
        ("/static/up/root/css/app.css", 404),
        ("/static/fifo", 404),
        ("/static/css/app.css%00", 400),
        ("/static/%00", 400),
        (f"/static/{'a' * 256}", 414),
        (f"/static/{'a/' * 2048}b", 414),
    ],
    ids=lambda value: str(value)[:40],
)
def test_name_leads_to_a_file_below_the_directory_or_nowhere(
    site: Site, path: str, status: int
) -> None:
    files = site.files()
    for _ in range(2):  # new, and remembered
        got = ask(files, path)
        assert got.status == status
        assert SECRET not in got.body


def test_links_lead_out_where_they_may(site: Site) -> None:
    files = site.files(follows=True)
    assert ask(files, "/static/outside.txt").body == SECRET
    assert ask(files, "/static/up/outside").body == SECRET
    assert ask(files, "/static/../outside").status == 404


def test_longest_prefix_wins_and_takes_whole_segments(site: Site) -> None:
    files = site.files(
        ("/", str(site.root / "page")),
        ("/static", str(site.root)),
        ("/static/css", str(site.root / ".well-known")),
    )
    assert ask(files, "/static/large.bin").status == 200
    assert ask(files, "/static/css/app.css").status == 0
    assert ask(files, "/static/css/security.txt").status == 200
    assert ask(files, "/static/cssx/app.css").status == 0
    assert ask(files, "/index.html").body == b"<p>page"


def test_below_the_root_path_no_name_is_refused(site: Site) -> None:
    """The application has all the other paths there."""
    files = site.files(("/", str(site.root)))
    assert ask(files, "/css/app.css").status == 200
    for path in ("//css/app.css", "/proxy/http://a/", "/a%2fb", "/.secret", "/outside.txt", "/fifo",
                 "/", f"/{'a' * 256}"):  # fmt: skip
        assert ask(files, path).status == 0, path


def test_index_stands_for_its_directory_where_it_may(site: Site) -> None:
    assert ask(site.files(), "/static/page/").status == 0
    files = site.files(index="index.html")
    got = ask(files, "/static/page/")
    assert (got.body, got.fields["Content-Type"]) == (b"<p>page", "text/html; charset=utf-8")
    assert ask(files, "/static/bare/").status == 0
    assert ask(files, "/static/bare").status == 0
    assert ask(files, "/static/").status == 0


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/static/page", "page/"),
        ("/static/page?a=b", "page/?a=b"),
        ("/static/p%61ge", "p%61ge/"),
        ("http://h:1/static/page", "page/"),
        ("/static/a:b", "./a:b/"),
    ],
)
def test_directory_without_a_slash_is_sent_there(site: Site, path: str, location: str) -> None:
    shutil.copytree(site.root / "page", site.root / "a:b")
    files = site.files(("http://h:1/static", str(site.root)), ("/static", str(site.root)),
                       index="index.html")  # fmt: skip
    got = ask(files, path)
    assert (got.status, got.fields["Location"], got.body) == (301, location, b"")


def test_prefix_itself_is_a_directory(site: Site) -> None:
    files = site.files(("/docs", str(site.root / "page")), index="index.html")
    assert ask(files, "/docs").fields["Location"] == "docs/"
    assert ask(files, "/docs/").body == b"<p>page"
    assert ask(site.files(("/docs", str(site.root / "page"))), "/docs").status == 0


def test_path_below_script_name_is_taken_without_it(site: Site) -> None:
    files = site.files(script="/shop")
    environ = {"REQUEST_METHOD": "GET", "RAW_URI": "/shop/static/css/app.css"}
    below = {**environ, "PATH_INFO": "/shop/static/css/app.css", "SCRIPT_NAME": "/shop"}
    assert answer_to(files, {**below, "SCRIPT_NAME": "/another"}) is None
    taken = {**environ, "PATH_INFO": "/static/css/app.css", "SCRIPT_NAME": "/another"}
    assert answer_to(files, taken) is not None


# What a client has already.


def test_validators_bring_304_with_what_caches_need(site: Site) -> None:
    files = site.files()
    fields = ask(files, "/static/css/app.css").fields
    for condition in (
        {"if_none_match": fields["ETag"]},
        {"if_none_match": f'"a", W/{fields["ETag"]}'},
        {"if_modified_since": fields["Last-Modified"]},
    ):
        got = ask(files, "/static/css/app.css", **condition)
        assert (got.status, got.body) == (304, b"")
        assert got.fields == {
            "ETag": fields["ETag"],
            "Cache-Control": "no-cache",
            "X-Content-Type-Options": "nosniff",
        }
    assert ask(files, "/static/css/app.css", if_match='"a"').status == 412


def test_range_is_sent_if_the_file_is_the_same(site: Site) -> None:
    files = site.files()
    etag = ask(files, "/static/css/app.css").fields["ETag"]
    for condition, status in ((etag, 206), (http_date(OLD), 206), ('"a"', 200), (f"W/{etag}", 200)):
        got = ask(files, "/static/css/app.css", range="bytes=1-3", if_range=condition)
        assert got.status == status, condition
        assert got.body == (CSS[1:4] if status == 206 else CSS)
    got = ask(files, "/static/css/app.css", range=f"bytes={len(CSS)}-")
    assert (got.status, got.fields["Content-Range"]) == (416, f"bytes */{len(CSS)}")
    assert "Cache-Control" not in got.fields


def test_extra_fields_are_in_every_response(site: Site) -> None:
    site.write("a.woff2", b"font")
    files = site.files()
    etag = ask(files, "/static/a.woff2").fields["ETag"]
    for status, fields in (
        (200, {}),
        (206, {"range": "bytes=0-1"}),
        (304, {"if_none_match": etag}),
        (412, {"if_match": '"a"'}),
        (416, {"range": "bytes=9-"}),
    ):
        got = ask(files, "/static/a.woff2", **fields)
        assert (got.status, got.fields["Access-Control-Allow-Origin"]) == (status, "*")
    assert ask(files, "/static/a.woff2", "POST").fields["Access-Control-Allow-Origin"] == "*"


def test_young_file_has_a_weak_tag_until_it_cannot_change_unseen(site: Site) -> None:
    files = site.files()
    path = site.root / "css/app.css"
    os.utime(path)  # now
    got = ask(files, "/static/css/app.css")
    assert got.fields["ETag"].startswith('W/"')
    os.utime(path, (OLD, OLD))
    assert ask(files, "/static/css/app.css").fields["ETag"].startswith('"')


def test_file_whose_date_means_nothing_has_no_validators(site: Site) -> None:
    site.write("zero.css", CSS, at=0)
    site.write("one.css", CSS, at=1)
    fields = ask(site.files(), "/static/zero.css").fields
    assert "ETag" not in fields
    assert "Last-Modified" not in fields
    fields = ask(site.files(), "/static/one.css").fields
    assert "ETag" in fields
    assert "Last-Modified" not in fields


def test_file_that_is_replaced_is_seen_at_once(site: Site) -> None:
    files = site.files()
    before = ask(files, "/static/css/app.css")
    site.write("css/new.css", CSS.replace(b"body", b"main"))
    os.replace(site.root / "css/new.css", site.root / "css/app.css")
    after = ask(files, "/static/css/app.css")
    assert after.body != before.body
    assert after.fields["ETag"] != before.fields["ETag"], "same size, same date, another inode"
    (site.root / "css/app.css").unlink()
    assert ask(files, "/static/css/app.css").status == 0
    site.write("made later.css", CSS)
    assert ask(files, "/static/made%20later.css").status == 200


def test_unreadable_file_is_403_and_one_line(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    (site.root / "css/app.css").chmod(0)
    files = site.files()
    assert {ask(files, "/static/css/app.css").status for _ in range(3)} == {403}
    (line,) = site.lines
    assert "'/css/app.css' cannot be read: Permission denied" in line
    site.lines.clear()


def test_file_with_fewer_bytes_than_it_says_is_500_and_one_line(site: Site) -> None:
    """As those of sysfs(5), or one that is cut again and again."""
    name = "uevent_seqnum"
    if not Path("/sys/kernel", name).exists():
        pytest.skip("no sysfs on this system")
    files = site.files(("/sys", "/sys/kernel"))
    assert {ask(files, f"/sys/{name}").status for _ in range(3)} == {500}
    assert site.lines == [
        f"the static file '/sys/{name}' cannot be read: it is being changed (said once a file)"
    ]
    site.lines.clear()


def test_paths_are_forgotten_when_there_are_too_many(site: Site) -> None:
    files = site.files()
    for number in range(4100):
        os.link(site.root / "css/app.css", site.root / f"css/{number}.css")
    assert {ask(files, f"/static/css/{number}.css").status for number in range(4100)} == {200}


def test_directory_that_is_missing_is_told(site: Site) -> None:
    with pytest.raises(FileNotFoundError):
        site.files(("/static", str(site.root / "none")))
