"""Fixtures of the unit tests: a compiled hub in this process.

Runs in: cli
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fastfork._core.loop.hub import Hub
from fastfork.net.tls import Certificates, peer_facts
from tests.kit.files import content
from tests.kit.inproc import App, Served
from tests.kit.tls import Authority, Pair

Serve = Callable[..., Served]
Secure = Callable[..., Served]
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve an application: `serve(app, keepalive=0.1, ...)`, see Served.

    At the end each hub is closed and checked for what it left and what it logged.
    """
    opened: list[Served] = []

    def start(app: App, **settings: Any) -> Served:
        opened.append(Served(app, **settings))
        return opened[-1]

    yield start
    for served in reversed(opened):
        served.finish()


@pytest.fixture(scope="session")
def pair(authority: Authority) -> Pair:
    """Certificate and key of a server."""
    return authority.issue("server")


@pytest.fixture
def secure(serve: Serve, pair: Pair, authority: Authority) -> Secure:
    """Serve an application with TLS: `secure(app, verify=2, ...)`."""

    def start(
        app: App, verify: int = 0, at_once: bool = False, tells_ragged: bool = False, **more: Any
    ) -> Served:
        certificates = Certificates(
            certfile=pair.certificate,
            keyfile=pair.key,
            ca_certs=authority.path if verify else None,
            verify=verify,
            ciphers=None,
            minimum="TLSv1_2",
        )

        def tls(hub: Hub) -> None:
            hub.secure(
                certificates.context(),
                facts_of=peer_facts,
                at_once=at_once,
                tells_ragged=tells_ragged,
            )

        return serve(app, tls=tls, **more)

    return start


@pytest.fixture(params=VERSIONS, ids=lambda version: version.name)
def context(request: pytest.FixtureRequest, authority: Authority) -> ssl.SSLContext:
    """Of a client, which speaks one version."""
    return authority.client_context(request.param)


@pytest.fixture
def make_file(tmp_path: Path) -> Callable[[int], Path]:
    """Makes a file of a size."""

    def make(size: int) -> Path:
        path = tmp_path / "file"
        path.write_bytes(content(size))
        return path

    return make
