"""What settings put around the application; with the defaults nothing."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from fastfork.config import Config
from fastfork.wsgi.prepared import surrounded
from tests.unit.conftest import Serve

Fields = list[tuple[str, str]]


def asked(app: Callable[..., Any], cfg: Config) -> tuple[Fields, dict[str, Any]]:
    """The fields with which the surrounded application answers, and its environ."""
    environ: dict[str, Any] = {"wsgi.file_wrapper": None, "SERVER_SOFTWARE": "fastfork"}
    answers: list[Fields] = []

    def start(status: str, headers: Fields, exc_info: Any = None) -> None:
        answers.append(headers)

    surrounded(app, cfg)(environ, start)  # type: ignore[arg-type]
    return answers[-1], environ


def plain(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b""]


def named(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("server", "own")])
    start_response("500 No", [("server", "own")], (None, None, None))
    return [b""]


def test_defaults_leave_the_application_as_it_is() -> None:
    assert surrounded(plain, Config()) is plain  # type: ignore[comparison-overlap]


def test_server_header_is_put_first_and_in_the_environ() -> None:
    fields, environ = asked(plain, Config(server_header="web"))
    assert fields == [("Server", "web"), ("Content-Type", "text/plain")]
    assert environ["SERVER_SOFTWARE"] == "web"


def test_server_field_of_the_applications_own_stays() -> None:
    assert asked(named, Config(server_header="web"))[0] == [("server", "own")]


def test_without_sendfile_a_file_is_read_in_blocks() -> None:
    fields, environ = asked(plain, Config(sendfile=False))
    assert fields == [("Content-Type", "text/plain")]
    file = io.BytesIO(b"x" * 100_000)
    assert [len(block) for block in environ["wsgi.file_wrapper"](file, 10)] == [65536, 34464]


@pytest.mark.parametrize("cfg", [Config(server_header="web"), Config(sendfile=False)])
def test_answers_go_through_the_hub_as_before(serve: Serve, cfg: Config) -> None:
    client = serve(surrounded(plain, cfg)).connect()  # type: ignore[arg-type]
    for _ in range(2):
        answer = client.request()
        assert (answer.status, answer.get("Server")) == (200, cfg.server_header)
