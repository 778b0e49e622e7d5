"""A part of the corpus through TLS: whole, and each byte in a record of its own.

Runs in: cli
"""

from __future__ import annotations

import ssl

import pytest

from tests.conftest import Starter
from tests.kit.server import RunningServer
from tests.kit.tls import Authority, TlsClient
from tests.wire.case import Case
from tests.wire.corpus import ALL
from tests.wire.over_socket import BEHIND, answered, at_once, check

USUAL = [case for case in ALL if not case.settings]
LONGEST = 600  # bytes that are sent one by one


def talk(server: RunningServer, context: ssl.SSLContext, case: Case, *, slowly: bool) -> None:
    """Send a case, and one more request that must not be answered after a refusal."""
    _, how = answered(case)
    raw = case.raw if how in ("silence", "broken") else case.raw + BEHIND
    with TlsClient(server.endpoint, context) as client:
        if slowly:
            client.send_byte_by_byte(raw)
        else:
            at_once(client, raw)
        if not case.complete:
            client.half_close()
        check(case, client)


def _may_be_slow(case: Case) -> bool:
    """Nobody closes while it is sent: OpenSSL reads nothing any more where it could not write."""
    wants, how = answered(case)
    asks = any(want.expect_continue for want in wants)  # what it gets is a matter of its pace
    return len(case.raw) < LONGEST and how not in ("refused", "closed") and not asks


@pytest.mark.parametrize("slowly", [False, True])
def test_tls_changes_no_verdict(
    start_server: Starter, authority: Authority, http_parser: str, slowly: bool
) -> None:
    pair = authority.issue("corpus")
    server = start_server(
        "mirror:app",
        *("--certfile", str(pair.certificate), "--keyfile", str(pair.key)),
        *("--http-parser", http_parser, "--keep-alive", "60"),
    )
    context = authority.client_context()
    cases = [case for case in USUAL if _may_be_slow(case)] if slowly else USUAL[::3]
    assert len(cases) > 100
    for case in cases:
        try:
            talk(server, context, case, slowly=slowly)
        except Exception as error:
            raise AssertionError(f"{case}: {error!r}") from error
