"""Flask, Django and Bottle behind wsgiref.validate, driven by requests, on both parsers.

Runs in: cli
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import FAILED
from tests.kit.server import Fleet, RunningServer

APPS = ("bottle_demo", "django_demo", "flask_demo")
PARSERS = ("httptools", "native")
UPLOAD = hashlib.sha256(b"seed").digest() * (3 * 1024 * 32)  # 3 MiB
LARGE = bytes(range(256)) * (5 * 1024 * 4)  # 5 MiB
STREAMED = b"".join(f"piece {number}\n".encode() for number in range(50))


class Served:
    """One running application and a session of requests that talks to it."""

    def __init__(self, server: RunningServer, session: requests.Session) -> None:
        self.server = server
        self.session = session

    def ask(self, method: str, path: str, **more: object) -> requests.Response:
        """One request on a kept-alive connection.  10 s at most."""
        return self.session.request(method, self.server.url + path, timeout=10, **more)


@pytest.fixture(scope="module", params=PARSERS)
def parser(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=APPS)
def server(request: pytest.FixtureRequest, parser: str) -> Iterator[RunningServer]:
    """One server for all tests of an application; checked for leftovers after the last."""
    directory = Path(tempfile.mkdtemp(prefix="fastfork-test-"))
    fleet = Fleet(directory)
    try:
        yield fleet.start(f"{request.param}:checked", "--http-parser", parser)
        fleet.finish()
    except BaseException:
        fleet.kill()
        print(f"files left in {directory}")
        raise
    shutil.rmtree(directory)


@pytest.fixture
def served(request: pytest.FixtureRequest, server: RunningServer) -> Iterator[Served]:
    """A session of its own for each test, so that cookies and connections do not mix."""
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the machine has no business here
        yield Served(server, session)
    if request.node.stash.get(FAILED, False):
        print(f"--- {server.log.path}\n{server.log.text()}")


def test_get_with_a_query_is_answered(served: Served) -> None:
    answer = served.ask("GET", "/hello", params={"name": "Zoë & friends"})
    assert (answer.status_code, answer.json()) == (200, {"hello": "Zoë & friends"})


def test_hundred_requests_go_over_one_connection(served: Served) -> None:
    for number in range(100):
        answer = served.ask("GET", f"/hello?name={number}")
        assert answer.json() == {"hello": str(number)}
    pools = served.session.get_adapter(served.server.url).poolmanager.pools
    assert [pools[key].num_connections for key in pools.keys()] == [1]  # noqa: SIM118


def test_form_arrives_with_repeated_and_non_ascii_fields(served: Served) -> None:
    sent = {"one": ["1"], "many": ["a", "b & c"], "umlaut": ["äöü"]}
    assert served.ask("POST", "/form", data=sent).json() == sent


def test_empty_form_is_an_empty_form(served: Served) -> None:
    assert served.ask("POST", "/form", data=b"").json() == {}


def test_json_arrives(served: Served) -> None:
    sent = {"list": [1, 2.5, None, True], "text": "ünï", "nested": {"a": {"b": []}}}
    assert served.ask("POST", "/json", json=sent).json() == sent


def test_upload_of_three_mebibytes_arrives_whole(served: Served) -> None:
    answer = served.ask("POST", "/upload", files={"file": ("seed.bin", UPLOAD)})
    assert answer.json() == {
        "name": "seed.bin",
        "size": len(UPLOAD),
        "sha256": hashlib.sha256(UPLOAD).hexdigest(),
    }


def test_chunked_json_arrives(served: Served) -> None:
    pieces = iter([b'{"a": [1, ', b"2, ", b"3]}"])
    headers = {"Content-Type": "application/json"}
    assert served.ask("POST", "/json", data=pieces, headers=headers).json() == {"a": [1, 2, 3]}


def test_stream_arrives_whole_and_chunked(served: Served) -> None:
    answer = served.ask("GET", "/stream", stream=True)
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in answer.headers
    assert b"".join(answer.iter_content(7)) == STREAMED


def test_five_mebibytes_are_answered_whole(served: Served) -> None:
    answer = served.ask("GET", "/large")
    assert answer.headers["Content-Length"] == str(len(LARGE))
    assert answer.content == LARGE


def test_slow_reader_gets_five_mebibytes_whole(served: Served) -> None:
    answer = served.ask("GET", "/large", stream=True)
    assert b"".join(answer.iter_content(40_000)) == LARGE


def test_cookies_come_back(served: Served) -> None:
    assert len(served.ask("GET", "/cookies/set").cookies) == 2
    cookies = served.ask("GET", "/cookies").json()
    assert cookies["first"] == "one"
    assert cookies["second"].strip('"') == "two words"


def test_head_has_the_fields_of_get_and_no_body(served: Served) -> None:
    get, head = served.ask("GET", "/hello"), served.ask("HEAD", "/hello")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    assert served.ask("GET", "/hello").json() == {"hello": "world"}


def test_path_that_is_not_there_is_404(served: Served) -> None:
    assert served.ask("GET", "/missing").status_code == 404


def test_exception_is_500_without_a_traceback_and_the_next_request_is_served(
    served: Served,
) -> None:
    served.server.expect_alarm("boom on purpose")
    answer = served.ask("GET", "/boom")
    assert answer.status_code == 500
    assert "on purpose" not in answer.text
    assert "Traceback" not in answer.text
    assert served.ask("GET", "/hello").status_code == 200
