"""Which URLs fail, as a running server tells it, with each kind of worker."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping

import pytest

from tests.conftest import Starter
from tests.kit.admin import ADMIN, ask, endpoint, facts
from tests.kit.client import RawClient
from tests.kit.tls import Authority, TlsClient
from tests.kit.waiting import wait_until

KINDS: Mapping[str, tuple[str, ...]] = {
    "one thread": (),
    "threads": ("--threads", "4"),
    "gevent": ("-k", "gevent"),
    "preload": ("--preload",),
    "TLS": (),
}


@pytest.mark.parametrize("kind", KINDS)
def test_urls_that_fail_are_told_with_their_counts_and_outlive_the_worker(
    start_server: Starter, authority: Authority, kind: str
) -> None:
    options = KINDS[kind]
    if kind == "TLS":
        pair = authority.issue("server")
        options = ("--certfile", str(pair.certificate), "--keyfile", str(pair.key))
    server = start_server("held:app", *ADMIN, *options)
    where = endpoint(server)

    def get(target: str) -> None:
        if kind == "TLS":
            client: RawClient = TlsClient(server.endpoint, authority.client_context())
        else:
            client = server.connect()
        with client:
            client.request("GET", target)

    for target in ("/fail?token=1", "/fail?token=2", "/", "/missing"):
        get(target)
    server.expect_alarm("failed on purpose")
    before = facts(where)["failing"]
    told = [(one["line"], one["count"], one["status"]) for one in before]
    assert told == [("GET /fail", 2, 500)]
    assert abs(before[0]["at"] - time.time()) < 60
    server.signal(signal.SIGHUP)
    wait_until(lambda: facts(where)["ends"], "the worker is replaced")
    get("/fail")
    (after,) = facts(where)["failing"]
    assert (after["line"], after["count"]) == ("GET /fail", 3)
    for target in ("/", "/status.json"):
        assert "token" not in ask(where, target).text
