"""An application below the path that SCRIPT_NAME of the environment says."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from fastfork import logs
from fastfork.errors import ConfigError
from fastfork.wsgi.mounted import below, mounted, script_name


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("", ""),
        ("/", ""),
        ("/shop", "/shop"),
        ("/shop/", "/shop"),
        ("/a/b", "/a/b"),
        ("/caf\u00e9", "/caf\xc3\xa9"),
        ("/a%20b", "/a b"),
    ],
)
def test_variable_is_read_as_an_environ_has_paths(
    given: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRIPT_NAME", given)
    assert script_name() == found


def test_what_is_no_path_is_refused_with_what_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIPT_NAME", "shop")
    with pytest.raises(ConfigError, match=r"^SCRIPT_NAME: 'shop' does not begin .* write '/shop'"):
        script_name()


@pytest.mark.parametrize(
    ("path", "rest"),
    [("/shop", ""), ("/shop/", "/"), ("/shop/a", "/a"), ("/shopping", None), ("/a", None)],
)
def test_path_is_below_where_a_segment_ends(path: str, rest: str | None) -> None:
    assert below("/shop", path) == rest


def asked(script: str, environ: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    said: list[str] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b""]

    mounted(app, script)(environ, lambda status, _headers: said.append(status))
    return said[0], environ


def test_without_a_path_the_application_is_called_as_it_is() -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        return []

    assert mounted(app, "") is app


def test_path_of_the_environment_is_taken_from_path_info() -> None:
    script = "/".join(["", "shop"])
    status, seen = asked(script, {"SCRIPT_NAME": script, "PATH_INFO": "/shop/a"})
    assert (status, seen) == ("200 OK", {"SCRIPT_NAME": "/shop", "PATH_INFO": "/a"})


def test_what_a_proxy_has_placed_already_is_left_alone() -> None:
    ours, theirs = ("".join(["/", "shop"]) for _ in range(2))
    placed = {"SCRIPT_NAME": theirs, "PATH_INFO": "/a"}
    assert asked(ours, dict(placed)) == ("200 OK", placed)


def test_path_elsewhere_is_answered_with_500_and_a_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs.LOGGER, "propagate", True)
    caplog.set_level(logging.WARNING, "fastfork.error")
    script = "/shop"
    status, _ = asked(script, {"SCRIPT_NAME": script, "PATH_INFO": "/a\nb"})
    assert status == "500 Internal Server Error"
    assert caplog.messages == [
        "The path '/a\\nb' is not below SCRIPT_NAME '/shop'; it is answered with 500"
    ]
