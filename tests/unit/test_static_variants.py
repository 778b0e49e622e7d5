"""Files beside another one that have its content in a coding, and who gets which."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.inproc import descriptors
from tests.kit.static import CSS, OLD, SECRET, Site, ask

PATH = "/static/css/app.css"
GZ = gzip.compress(CSS)
EVERYTHING = "gzip, deflate, br, zstd"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    assert not made.lines


def test_variant_has_the_type_of_the_file_and_validators_of_its_own(site: Site) -> None:
    path = site.write("css/app.css.gz", GZ)
    files = site.files()
    plain, coded = ask(files, PATH), ask(files, PATH, accept_encoding="gzip")
    assert (plain.body, coded.body) == (CSS, GZ)
    assert coded.fields.pop("Content-Encoding") == "gzip"
    etag, other = coded.fields.pop("ETag"), plain.fields.pop("ETag")
    facts = path.stat()
    assert etag == f'"{facts.st_mtime_ns:x}-{facts.st_size:x}-{facts.st_ino:x}"' != other
    assert coded.fields == plain.fields
    assert plain.fields["Vary"] == "Accept-Encoding"
    got = ask(files, PATH, accept_encoding="gzip", if_none_match=etag)
    assert (got.status, got.fields["Vary"]) == (304, "Accept-Encoding")
    assert ask(files, PATH, accept_encoding="gzip", if_none_match=other).status == 200
    part = ask(files, PATH, accept_encoding="gzip", range="bytes=2-5", if_range=etag)
    assert (part.status, part.body) == (206, GZ[2:6])
    assert part.fields["Content-Range"] == f"bytes 2-5/{len(GZ)}"


def test_nothing_varies_where_there_is_no_variant(site: Site) -> None:
    files = site.files()
    got = ask(files, PATH, accept_encoding=EVERYTHING)
    assert (got.body, "Vary" in got.fields) == (CSS, False)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (EVERYTHING, "zstd"),
        ("gzip, br", "br"),
        ("gzip, br;q=0.9", "gzip"),
        ("gzip;q=0", None),
        ("*", "zstd"),
        ("*, zstd;q=0", "br"),
        ("gzip;q=0.5, *;q=0.1", "gzip"),
        ("identity", None),
        ("gzip;q=0.5, identity;q=0.6", None),
        ("gzip;q=0.5, identity;q=0.5", "gzip"),
        ("deflate", None),
        ("", None),
    ],
)
def test_client_gets_the_smallest_of_those_that_it_likes_best(
    site: Site, accepted: str, coding: str | None
) -> None:
    site.write("css/app.css.gz", b"larger")
    site.write("css/app.css.br", b"large")
    site.write("css/app.css.zst", b"z")
    got = ask(site.files(), PATH, accept_encoding=accepted)
    assert got.fields.get("Content-Encoding") == coding
    assert got.fields["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("at", "is_sent"),
    [(OLD - 1, False), (OLD + 0.25, False), (OLD, True), (OLD + 0.5, True), (OLD + 1, True)],
)
def test_variant_that_is_older_than_its_file_is_not_sent(
    site: Site, at: float, *, is_sent: bool
) -> None:
    """Some tools copy the date without its fraction."""
    site.write("css/app.css", CSS, at=OLD + 0.5)
    site.write("css/app.css.gz", GZ, at=at)
    got = ask(site.files(), PATH, accept_encoding="gzip")
    assert got.body == (GZ if is_sent else CSS)


def test_file_that_has_changed_is_sent_at_once_and_not_its_variant(site: Site) -> None:
    site.write("css/app.css.gz", GZ)
    files = site.files()
    assert ask(files, PATH, accept_encoding="gzip").body == GZ
    site.write("css/app.css", b"new", at=OLD + 1)
    got = ask(files, PATH, accept_encoding="gzip")
    assert (got.body, got.status) == (b"new", 200)


def test_variant_that_goes_away_is_not_missed(site: Site) -> None:
    path = site.write("css/app.css.gz", GZ)
    files = site.files()
    assert ask(files, PATH, accept_encoding="gzip").body == GZ
    path.unlink()
    assert ask(files, PATH, accept_encoding="gzip").body == CSS
    assert "Vary" not in ask(files, PATH, accept_encoding="gzip").fields


def test_variant_must_be_a_smaller_file_below_the_directory(site: Site) -> None:
    site.write("css/app.css.br", CSS + b"more")
    (site.root / "css/app.css.zst").mkdir()
    os.symlink("../../outside", site.root / "css/app.css.gz")
    got = ask(site.files(), PATH, accept_encoding=EVERYTHING)
    assert (got.body, "Vary" in got.fields) == (CSS, False)
    assert SECRET not in got.body


def test_what_is_compressed_has_no_variants(site: Site) -> None:
    site.write("a.woff2", CSS)
    site.write("a.woff2.gz", GZ)
    got = ask(site.files(), "/static/a.woff2", accept_encoding="gzip")
    assert (got.body, "Vary" in got.fields) == (CSS, False)
    got = ask(site.files(), "/static/a.woff2.gz")
    assert (got.body, got.fields["Content-Type"]) == (GZ, "application/gzip")


def test_no_descriptor_is_left_open(site: Site) -> None:
    site.write("css/app.css.gz", GZ)
    files = site.files()
    before = len(descriptors())
    for fields in ({}, {"accept_encoding": "gzip"}, {"if_none_match": "*"}, {"if_match": '"a"'},
                   {"range": "bytes=9999-"}, {"range": "bytes=0-1"}):  # fmt: skip
        for method in ("GET", "HEAD", "POST"):
            ask(files, PATH, method, **fields)
    for path in ("/static/css", "/static/none", "/static/fifo", "/static/outside.txt"):
        ask(files, path)
    assert len(descriptors()) == before
