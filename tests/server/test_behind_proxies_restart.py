"""Reloads and upgrades under load behind each proxy of the guides: nobody notices.

`make chaos` plays more rounds, FASTFORK_RESTARTS of them.

Runs in: cli
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from tests.conftest import Starter
from tests.kit.proxies import Proxy, blocks, replaced, text_of
from tests.kit.server import RunningServer
from tests.kit.tls import Authority
from tests.kit.traffic import POSTS, Traffic
from tests.kit.waiting import wait_until

APP = "serial:app"
TIMES = int(os.environ.get("FASTFORK_RESTARTS", "2"))
PATIENCE = 60.0  # seconds for one step, on a machine that is busy with the traffic

pytestmark = [pytest.mark.timeout(120 + 30 * TIMES), pytest.mark.slow]


class Way(NamedTuple):
    """A chapter of a guide.  kind: of Proxy; blocks: which one of its kind on the page;
    servers: the addresses that stand there; changes: what else of the block is other here."""

    kind: str
    page: str
    block: int
    servers: tuple[str, ...]
    changes: Mapping[str, str] = MappingProxyType({})


WAYS = (
    Way("nginx", "behind-nginx.md", 0, ("/run/shop/fastfork.sock",)),
    Way("nginx-stream", "behind-nginx.md", 1, ("127.0.0.1:8000",)),
    Way(
        "haproxy",
        "behind-haproxy.md",
        0,
        ("127.0.0.1:8001", "127.0.0.1:8002"),
        {"httpchk GET /": "httpchk GET /quick/0"},
    ),
    Way("haproxy", "behind-haproxy.md", 1, ("127.0.0.1:8000",)),
    Way("nginx", "behind-nginx.md", 2, ("127.0.0.1:8443",)),
    Way("haproxy", "behind-haproxy.md", 2, ("127.0.0.1:8443",)),
)


class Site:
    """A proxy and the servers behind it, as the guide says."""

    def __init__(self, start_server: Starter, files: Path, way: Way, authority: Authority) -> None:
        self.servers: list[RunningServer] = []
        config = blocks(way.page, "python")[way.block]
        changes = dict(way.changes)
        if "certfile" in config:
            pair = authority.issue("upstream")
            config = replaced(
                config,
                {
                    "/etc/ssl/shop/fullchain.pem": str(pair.certificate),
                    "/etc/ssl/shop/privkey.pem": str(pair.key),
                },
            )
            changes["/etc/ssl/shop/ca.pem"] = str(authority.path)
        for said in way.servers:
            ours = config
            if "bind" in config:
                place = str(files / "app") if said.startswith("/") else "127.0.0.1:0"
                ours = replaced(config, {said: place})
            server = start_server(
                APP, "--pid", "server.pid", config=ours, workers=2, listens="bind" not in config
            )
            self.servers.append(server)
            changes[said] = text_of(server.endpoint).removeprefix("unix:")
        language = "haproxy" if way.kind == "haproxy" else "nginx"
        text = replaced(blocks(way.page, language)[way.block], changes)
        self.proxy = Proxy(way.kind, files, text)


@pytest.fixture(params=WAYS, ids=lambda way: f"{way.kind}-{way.block}")
def site(
    start_server: Starter, tmp_path: Path, authority: Authority, request: pytest.FixtureRequest
) -> Iterator[Site]:
    site = Site(start_server, tmp_path, request.param, authority)
    yield site
    complaints = site.proxy.stop()
    assert not complaints


def reload(server: RunningServer, number: int) -> None:
    server.signal("reload")
    server.log.wait_for("Reload complete", count=number + 1, timeout=PATIENCE)


def upgrade(server: RunningServer) -> None:
    old = server.upgrade()
    os.kill(old, signal.SIGTERM)
    wait_until(lambda: server.pidfile_says(server.pid), "it has the pid file", PATIENCE)


def test_reloads_and_upgrades_lose_no_request(site: Site) -> None:
    with Traffic(lambda: site.proxy.front, kinds=POSTS) as traffic:

        def goes_on() -> None:
            goal = traffic.answered() + 24
            wait_until(lambda: traffic.answered() >= goal, "more answers", PATIENCE)

        goes_on()
        for number in range(TIMES):
            for server in site.servers:
                reload(server, number)
                goes_on()
                upgrade(server)
                goes_on()
    report = traffic.report
    print(f"{report.answered} requests answered, {len(report.lost)} lost")
    assert not report.lost, report.lost[:20]
    assert not report.resets, report.resets[:20]
    assert not report.refused, report.refused[:20]
