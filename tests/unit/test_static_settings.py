"""The settings of static files: what is refused, and what is said of a file because of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fastfork.config import load
from fastfork.config.kinds.basic import BadValue
from fastfork.config.kinds.static import FIELDS_BY_PATTERN, HASHED, MOUNTS, PATTERN
from fastfork.errors import ConfigError
from fastfork.static.mediatypes import gains_nothing, media_type
from fastfork.static.mounts import describing

IMMUTABLE = "public, max-age=31536000, immutable"


def complaint(folder: Path, **argv: object) -> str:
    with pytest.raises(ConfigError) as refused:
        load(argv, {}, folder)
    return str(refused.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["/static=/srv/static"], {"/static": "/srv/static"}),
        (["/static/=/srv", "/media=m"], {"/static": "/srv", "/media": "m"}),
        ("/static=/srv, /media=m", {"/static": "/srv", "/media": "m"}),
        ("/static=/srv/a,b", {"/static": "/srv/a,b"}),
        (["/a=/srv/b=c"], {"/a": "/srv/b=c"}),
        (["/=site"], {"/": "site"}),
        ({"/a/b": "/srv"}, {"/a/b": "/srv"}),
        (None, {}),
    ],
    ids=str,
)
def test_mounts_are_read_from_options_and_mappings(value: object, expected: object) -> None:
    assert MOUNTS.parse(value) == expected
    assert MOUNTS.parse(MOUNTS.show(MOUNTS.parse(value))) == expected or not expected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("/srv/static", "'/srv/static' is not PREFIX=DIRECTORY; write /static=/srv/static"),
        (["static=/srv"], "'static' does not begin with a slash; write /static=/srv/static"),
        (["/a//b=/srv"], "'/a//b' is no path that a request can have; write "),
        (["/a/../b=/srv"], "'/a/../b' is no path that a request can have; write "),
        (["/%61=/srv"], "'/%61' is no path that a request can have; write "),
        (["/static="], "'' is no directory; write "),
        (["/a=b", "/a/=c"], "'/a' is named twice; write it once"),
        ({"/static": 1}, "1 is no directory; write "),
        ({1: "/srv"}, "1 does not begin with a slash; write "),
        (7, "7 is no mapping; write "),
    ],
    ids=str,
)
def test_what_is_no_mount_is_told(value: object, words: str) -> None:
    with pytest.raises(BadValue) as refused:
        MOUNTS.parse(value)
    assert str(refused.value).startswith(words)


def test_fields_are_read_from_options_and_mappings() -> None:
    both = {"*.woff2": {"Access-Control-Allow-Origin": "*", "Timing-Allow-Origin": "*"}}
    words = [f"*.woff2={name}: *" for name in both["*.woff2"]]
    assert FIELDS_BY_PATTERN.parse(words) == both
    assert FIELDS_BY_PATTERN.parse(both) == both
    assert FIELDS_BY_PATTERN.show(FIELDS_BY_PATTERN.parse(both)) == ", ".join(words)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (["*.css"], "'*.css' is not PATTERN=FIELD: VALUE; write *.woff2=Access"),
        (["*.css=Access"], "'Access' is not FIELD: VALUE; write "),
        (["*.css=A b: c"], "'A b' is no name of a field; write "),
        (["*.css=Content-Length: 3"], "'Content-Length' is for the server to say; leave it out"),
        ({"*.css": {"A": "b\r\nC: d"}}, "'b\\r\\nC: d' is no value of a field; write "),
        ({"*.css": {"A": 3}}, "3 is no value of a field; write "),
        ({"*.css": 3}, "3 is no mapping of fields; write "),
        ({"": {}}, "'' is no pattern of paths; write "),
    ],
    ids=str,
)
def test_what_is_no_field_is_told(value: object, words: str) -> None:
    with pytest.raises(BadValue) as refused:
        FIELDS_BY_PATTERN.parse(value)
    assert str(refused.value).startswith(words)


def test_pattern_is_a_regular_expression_or_a_word() -> None:
    assert PATTERN.parse("auto") == HASHED
    assert PATTERN.show(HASHED) == "auto"
    assert PATTERN.parse("none") is PATTERN.parse(None) is None
    assert PATTERN.parse(r"\.min\.") == r"\.min\."
    with pytest.raises(BadValue, match=r"'\(' is no regular expression: .*; write one like"):
        PATTERN.parse("(")


def test_directory_that_is_missing_is_refused_at_start(tmp_path: Path) -> None:
    assert complaint(tmp_path, static_path=["/static=none"]) == (
        "static_path: /static=none: that is not a directory; write one that exists, or make it "
        "first (Django: manage.py collectstatic) (command line)"
    )
    assert "that is every file of the machine" in complaint(tmp_path, static_path=["/a=/"])


def test_directory_of_the_application_is_served_with_a_warning(tmp_path: Path) -> None:
    (line,) = load({"static_path": ["/a=."]}, {}, tmp_path).notices
    assert line.startswith("static_path: /a=.: that is where the application is, with its source")


def test_directory_may_be_a_link_and_is_below_chdir(tmp_path: Path) -> None:
    (tmp_path / "releases/42").mkdir(parents=True)
    os.symlink("releases/42", tmp_path / "current")
    loaded = load({"static_path": ["/static=current"]}, {}, tmp_path)
    assert loaded.config.static_path == {"/static": "current"}
    assert loaded.notices == []


def test_settings_about_files_have_no_effect_without_a_directory(tmp_path: Path) -> None:
    loaded = load({"static_max_age": "1h", "static_index": True}, {}, tmp_path)
    assert [line.partition(" (")[0] for line in loaded.notices] == [
        "static_max_age: has no effect without static_path",
        "static_index: has no effect without static_path",
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/static/css/base.55e7cbb9ba48.css",  # Django
        "/static/js/app.min.0a1b2c3d4e5f.js",
        "/static/app-BkDq1x2Y.js",  # Vite, Rollup
        "/static/assets/index-DiwrgTda.css",
        "/assets/vendor/chunk-C_x-9aZq.js",
        "/assets/logo-BQ3mZ4Lk.svg",
        "/static/main.3f2a91bc.js",  # webpack, Parcel
        "/static/js/2.0d5cd9b4.chunk.js",
        "/static/main.d587bbd6e38337f5accd.js",
        "/static/app-5e4cd3f2a91b0c7d8e9f0a1b2c3d4e5f.css",
        "/static/base.55e7cbb9ba48.css.map",
    ],
)
def test_name_with_a_hash_is_kept_for_ever(path: str) -> None:
    assert dict(describing(HASHED, 60, {})(path)[2])["Cache-Control"] == IMMUTABLE


@pytest.mark.parametrize(
    "path",
    [
        "/static/css/base.css",
        "/static/jquery-3.7.1.min.js",
        "/static/app-settings.js",
        "/static/app-Settings.js",
        "/static/my-DataGrid.js",
        "/static/img-1024x768.png",
        "/assets/img-1024x768.png",
        "/assets/app-settings.js",
        "/static/photo-20240101.jpg",
        "/static/photo.20240101.jpg",
        "/static/data.deadbeef.js",  # a word may look so
        "/static/55e7cbb9ba48/base.css",
        "/static/base.55e7cbb9ba48",
        "/static/base.55E7CBB9BA48.css",
        "/static/version2.js",
        "/static/file-version2.js",
    ],
)
def test_name_that_may_change_its_content_is_not(path: str) -> None:
    common = dict(describing(HASHED, 0, {})(path)[2])
    assert common["Cache-Control"] == "no-cache"
    common = dict(describing(None, 3600, {})(path)[2])
    assert common["Cache-Control"] == "public, max-age=3600"


def test_fields_of_a_pattern_are_added_and_replace_ours() -> None:
    describe = describing(
        None,
        0,
        {
            "*.woff2": {"Access-Control-Allow-Origin": "*"},
            "/media/*": {"content-disposition": "attachment", "cache-control": "private"},
            "*.wacko": {"Content-Type": "text/x-wacko", "X-Content-Type-Options": "off"},
            "*/naïve.txt": {"A": "b"},
        },
    )
    assert describe("/static/a.woff2") == (
        "font/woff2",
        [("Access-Control-Allow-Origin", "*")],
        [("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff")],
        False,
    )
    assert describe("/media/a/b.svg")[1:3] == (
        [],
        [
            ("X-Content-Type-Options", "nosniff"),
            ("content-disposition", "attachment"),
            ("cache-control", "private"),
        ],
    )
    kind, extras, common, _ = describe("/a.wacko")
    assert (kind, extras) == ("text/x-wacko", [("X-Content-Type-Options", "off")])
    assert common == [("Cache-Control", "no-cache")]
    assert describe("/static/naïve.txt".encode().decode("latin-1"))[1] == [("A", "b")]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.CSS", "text/css; charset=utf-8"),
        ("a.min.css", "text/css; charset=utf-8"),
        ("a.svg", "image/svg+xml; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.js.map", "application/json"),
        ("a.webmanifest", "application/manifest+json"),
        ("a.wasm", "application/wasm"),
        ("a.woff2", "font/woff2"),
        ("a.avif", "image/avif"),
        ("a.tar.gz", "application/gzip"),
        ("none", "application/octet-stream"),
        ("a.unknown", "application/octet-stream"),
        ("css", "application/octet-stream"),
        ("a.d/none", "application/octet-stream"),
        ("/.well-known/.css", "application/octet-stream"),
        ("a.", "application/octet-stream"),
    ],
)
def test_media_types_are_our_own(name: str, kind: str) -> None:
    assert media_type(name) == kind


def test_what_is_compressed_gains_nothing() -> None:
    assert gains_nothing("a/b.WOFF2")
    assert not gains_nothing("a/b.ttf")
    assert not gains_nothing("a.jpg.svg")
    assert not gains_nothing("jpg")
