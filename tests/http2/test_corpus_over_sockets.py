"""The corpus over sockets: inline, with threads, greenlets, tasks, and through TLS."""

from __future__ import annotations

import socket
import ssl

import pytest

pytest.importorskip("fastfork._core.http.http2")

from tests.conftest import Starter
from tests.http2.corpus import CASES
from tests.http2.wire import Conversation, SocketTransport
from tests.kit.server import RunningServer
from tests.kit.tls import NAME, Authority

H2C = ("--http-protocols", "h2,h1", "--http2-cleartext", "prior-knowledge")
KINDS = {
    "inline": ("h2_stage:app", ()),
    "threads": ("h2_stage:app", ("--threads", "4")),
    "greenlets": ("h2_stage:app", ("-k", "gevent")),
    "tasks": ("h2_stage:asgi", ("-k", "asgi")),
}
PATIENCE = 3.0  # seconds


def play_all(server: RunningServer, context: ssl.SSLContext | None = None) -> list[str]:
    """What is not kept, a line for each case."""
    complaints = []
    address = server.endpoint
    assert isinstance(address, tuple)
    for case in CASES:
        sock: socket.socket = socket.create_connection(address, timeout=PATIENCE)
        if context is not None:
            sock = context.wrap_socket(sock, server_hostname=NAME)
            assert sock.selected_alpn_protocol() == "h2"
        with sock:
            try:
                case.play(Conversation(SocketTransport(sock)))
            except (AssertionError, TimeoutError, LookupError) as error:
                complaints.append(f"{case}: {type(error).__name__} {str(error)[:1000]}")
    return complaints


@pytest.mark.parametrize("kind", KINDS)
def test_rules_are_kept(start_server: Starter, kind: str) -> None:
    app, options = KINDS[kind]
    server = start_server(app, *H2C, *options)
    assert play_all(server) == []


def test_rules_are_kept_through_tls(start_server: Starter, authority: Authority) -> None:
    pair = authority.issue("h2")
    server = start_server(
        "h2_stage:app", "--http-protocols", "h2,h1",
        "--certfile", str(pair.certificate), "--keyfile", str(pair.key),
    )  # fmt: skip
    context = authority.client_context()
    context.set_alpn_protocols(["h2"])
    assert play_all(server, context) == []
