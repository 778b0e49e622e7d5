"""ASGI applications that go on after the end of their response.

Runs in: cli
"""

from __future__ import annotations

from tests.conftest import Starter
from tests.kit.websocket import handshake

APP = ("asgi_late:app", "-k", "asgi")


def test_receive_after_the_response_says_disconnect(start_server: Starter) -> None:
    server = start_server(*APP)
    with server.connect() as client:
        for name, body in (("without", None), ("with", b"a body that nobody has asked for")):
            assert client.request("POST", f"/late/{name}", body=body).text == "done"
            assert client.request("GET", f"/go/{name}").text == "done"
            server.log.wait_for(f"late {name}: ends")
    said = [line for line in server.log.text().splitlines() if "late with" in line]
    assert sum("http.disconnect" in line for line in said) == 4


def test_what_goes_on_hears_nothing_of_the_next_upload(start_server: Starter) -> None:
    """It is the same connection, with a body that is half there."""
    server = start_server(*APP)
    with server.connect() as client:
        assert client.request("GET", "/late/upload").text == "done"
        client.send(b"POST /go/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\nhalf")
        server.log.wait_for("late upload: ends")
        client.send(b"x" * (200_000 - 4))
        assert client.read_response().text == "done"
    assert server.log.text().count("late upload: http.disconnect") == 2
    assert "http.request" not in server.log.text()


def test_receive_that_waits_ends_with_the_response(start_server: Starter) -> None:
    server = start_server(*APP)
    with server.connect() as client:
        assert client.request("GET", "/waits/here").text == "done"
        server.log.wait_for("waits here: http.disconnect")
        assert client.request("GET", "/waits/there").text == "done"


def test_extensions_of_a_scope_are_its_own(start_server: Starter) -> None:
    server = start_server(*APP)
    with server.connect() as client:
        assert [client.request("GET", "/extensions").text for _ in range(3)] == ["", "", ""]


def test_client_that_reads_all_and_never_closes_is_closed(start_server: Starter) -> None:
    """Its time to answer the close frame begins when it has read what was before that."""
    server = start_server(*APP)
    with server.connect() as client:
        client.send(handshake("/"))
        client.wait_for(b"\r\n\r\n")
        server.log.wait_for("closed")
        assert client.read_to_end().endswith(b"\x88\x02\x03\xe8")
