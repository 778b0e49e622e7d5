"""The corpus against the gevent worker, with an application that waits before each answer.

Runs in: cli
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.client import RawClient
from tests.wire.case import Case
from tests.wire.over_socket import BEHIND, Farm, answered, at_once, byte_by_byte, check, paced
from tests.wire.test_corpus_over_a_socket import CASES


@pytest.fixture(scope="module")
def farm() -> Iterator[Farm]:
    with tempfile.TemporaryDirectory(prefix="fastfork-corpus-") as files:
        farm = Farm(Path(files), "httptools", "-k", "gevent", app="mirror:waiting")
        yield farm
        farm.finish()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_client_sees_what_its_rule_says(farm: Farm, case: Case) -> None:
    server = farm.server(case.settings)
    _, how = answered(case)
    raw = case.raw if how in ("silence", "broken") else case.raw + BEHIND
    with RawClient(server.endpoint) as client:
        at_once(client, raw)
        if not case.complete:
            client.half_close()
        check(case, client)
    with RawClient(farm.unix_path) as client:
        if paced(client, byte_by_byte(raw)) and not case.complete:
            client.half_close()
        check(case, client, paced_bytes=True)
