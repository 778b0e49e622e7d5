"""The id of a request: taken from whom, made how, and known to whom."""

from __future__ import annotations

import contextvars
import logging
import random
from typing import Any

import pytest

from fastfork.config import Config
from fastfork.logs.base.requestid import RequestIdFilter, current, giving_ids, maker
from fastfork.net.trust import REMEMBERED, TrustedPeers


def ask(cfg: Config, environ: dict[str, Any], headers: Any = None) -> tuple[str, list[Any]]:
    """The id that the application sees, and what start_response was given."""
    seen: list[Any] = []

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        assert environ["fastfork.request_id"] == current.get()
        start_response("200 OK", [("A", "b")] if headers is None else headers)
        return [environ["fastfork.request_id"].encode()]

    def start_response(status: str, headers: Any, exc_info: Any = None) -> None:
        seen.append(headers)

    given = contextvars.copy_context().run(giving_ids(app, cfg), environ, start_response)
    return b"".join(given).decode(), seen[0]


def environ(peer: str = "127.0.0.1", sent: str | None = None) -> dict[str, Any]:
    made = {"REMOTE_ADDR": peer}
    return made if sent is None else {**made, "HTTP_X_REQUEST_ID": sent}


ON = Config(request_id=True)


@pytest.mark.parametrize("sent", ["abc", "A" * 128, "1-2.3_4~5+6/7=8:9@0"])
def test_id_of_a_trusted_peer_is_taken(sent: str) -> None:
    assert ask(ON, environ(sent=sent))[0] == sent


@pytest.mark.parametrize(
    "sent", ["", "A" * 129, "a b", "a,b", 'a"b', "a\\b", "a\n", "\xe9", "a\r\nb", "%41", "<x>"]
)
def test_id_that_might_forge_anything_is_not_taken(sent: str) -> None:
    made, _ = ask(ON, environ(sent=sent))
    assert len(made) == 32
    assert int(made, 16) >= 0


def test_id_of_anybody_else_is_not_taken() -> None:
    assert ask(ON, environ("192.0.2.1", "abc"))[0] != "abc"


def test_ids_differ_also_when_the_application_seeds_its_generator() -> None:
    made = set()
    for _ in range(3):
        random.seed(1)
        made.add(maker()())
    assert len(made) == 3


def test_application_is_called_as_it_is_without_the_setting() -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        return []

    assert giving_ids(app, Config()) is app


def test_id_is_sent_when_asked() -> None:
    cfg = Config(request_id=True, request_id_response=True)
    assert ask(cfg, environ(sent="abc"))[1] == [("A", "b"), ("X-Request-Id", "abc")]
    assert ask(ON, environ(sent="abc"))[1] == [("A", "b")]


def test_field_of_the_application_wins() -> None:
    cfg = Config(request_id=True, request_id_response=True)
    own = [("x-request-id", "own")]
    assert ask(cfg, environ(sent="abc"), own)[1] == own


@pytest.mark.parametrize("headers", [(("A", "b"),), [1], [("A",)], [(1, "b")], "x"])
def test_bad_headers_are_left_to_start_response(headers: Any) -> None:
    cfg = Config(request_id=True, request_id_response=True)
    given = ask(cfg, environ(sent="abc"), headers)[1]
    assert given == headers or given[:-1] == headers


def test_filter_sets_the_id_on_every_record() -> None:
    record = logging.makeLogRecord({})
    assert RequestIdFilter().filter(record)
    assert vars(record)["request_id"] == "-"


@pytest.mark.parametrize(
    ("networks", "peer", "verdict"),
    [
        (["127.0.0.1", "::1"], "127.0.0.1", True),
        (["127.0.0.1", "::1"], "::1", True),
        (["127.0.0.1"], "127.0.0.2", False),
        (["10.0.0.0/8"], "10.255.0.1", True),
        (["10.0.0.0/8"], "11.0.0.1", False),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", True),
        (["fd00::/8"], "fd00::7", True),
        (["fe80::/10"], "fe80::1%eth0", True),
        ([], "127.0.0.1", False),
        ([], "", True),
        (["*"], "192.0.2.1", True),
        (["10.0.0.0/8"], "nonsense", False),
    ],
)
def test_peer_is_trusted(networks: list[str], peer: str, verdict: bool) -> None:
    trusted = TrustedPeers(networks)
    assert [trusted.trusts(peer), trusted.trusts(peer)] == [verdict, verdict]


def test_verdicts_are_not_remembered_without_bound() -> None:
    trusted = TrustedPeers(["10.0.0.0/8"])
    for number in range(2 * REMEMBERED):
        assert trusted.trusts(f"10.0.{number >> 8}.{number & 255}")
    assert len(trusted._known) <= REMEMBERED


def test_bad_network_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        TrustedPeers(["nonsense"])
