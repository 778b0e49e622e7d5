"""The corpus against running servers: whole, byte by byte, and cut in two.

Runs in: cli
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastfork.http import BACKENDS
from tests.kit.client import RawClient
from tests.wire.case import Case
from tests.wire.corpus import ALL
from tests.wire.over_socket import BEHIND, Farm, answered, at_once, byte_by_byte, check, cuts, paced

UNREAD = 100_000  # bytes; the server receives 64 KiB at a time
# Cases with the same settings share a server.
CASES = sorted(ALL, key=lambda case: sorted(case.settings.items(), key=str))


@pytest.fixture(scope="module", params=sorted(BACKENDS))
def farm(request: pytest.FixtureRequest) -> Iterator[Farm]:
    """Servers with one of the parsers, for the whole module."""
    failed = request.session.testsfailed
    files = Path(tempfile.mkdtemp(prefix="fastfork-corpus-"))
    farm = Farm(files, str(request.param))
    yield farm
    farm.finish()
    if request.session.testsfailed == failed:
        shutil.rmtree(files)
    else:
        print(f"files left in {files}")


def talk(case: Case, client: RawClient, raw: bytes, place: int | None) -> None:
    """Send with the pace of a unix socket, then check; place: of the one cut, None = all."""
    pieces = byte_by_byte(raw) if place is None else [raw[:place], raw[place:]]
    if paced(client, pieces) and not case.complete:
        client.half_close()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_client_sees_what_its_rule_says(farm: Farm, case: Case) -> None:
    server = farm.server(case.settings)
    _, how = answered(case)
    raw = case.raw if how in ("silence", "broken") else case.raw + BEHIND
    with RawClient(server.endpoint) as client:
        # A refused client has more to say than the server receives at a time: a connection
        # that is closed with bytes unread would be reset.
        at_once(client, raw + bytes(UNREAD) if how == "refused" else raw)
        if not case.complete:
            client.half_close()
        check(case, client)
    with RawClient(farm.unix_path) as client:
        talk(case, client, raw, None)
        check(case, client, paced_bytes=True)
    for place in cuts(raw):
        with RawClient(farm.unix_path) as client:
            talk(case, client, raw, place)
            check(case, client, paced_bytes=waits_at(case, raw, place))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_reset_in_the_middle_of_it_hurts_nobody_else(farm: Farm, case: Case) -> None:
    """What is left behind is seen when the server ends: no descriptor, no alarm in the log."""
    server = farm.server(case.settings)
    for place in (1, len(case.raw) // 2, len(case.raw)):
        with RawClient(server.endpoint) as client:
            client.send(case.raw[:place])
            client.reset()
    with RawClient(server.endpoint) as client:
        assert client.request("OPTIONS", "*").status == 200 or case.settings


def waits_at(case: Case, raw: bytes, place: int) -> bool:
    """Is the cut exactly behind the head of a request that asks for 100 Continue?"""
    return raw[:place].endswith(b"\r\n\r\n") and any(want.expect_continue for want in case.wants)
