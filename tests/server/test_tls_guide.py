"""The configurations of docs/how-to/tls.md, as they stand there.

Runs in: cli
"""

from __future__ import annotations

import json
import re
import ssl
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.proxies import GUIDES, blocks, replaced
from tests.kit.server import RunningServer
from tests.kit.tls import NAME, Authority, TlsClient

pytestmark = pytest.mark.skipif(not GUIDES.is_dir(), reason="no checkout around the tests")

PAGE = "tls.md"


def serve(start_server: Starter, authority: Authority, folder: Path, number: int) -> RunningServer:
    """A server with one of the configurations; what it names is in `folder`."""
    for site, name in (("shop", NAME), ("blog", "blog.example")):
        pair = authority.issue(site, name)
        (folder / site).mkdir()
        (folder / site / "fullchain.pem").write_bytes(pair.certificate.read_bytes())
        (folder / site / "privkey.pem").write_bytes(pair.key.read_bytes())
    (folder / "shop" / "staff-ca.pem").write_bytes(authority.path.read_bytes())
    text = blocks(PAGE, "python")[number]
    text = replaced(text, {"/etc/ssl/": f"{folder}/", "0.0.0.0:443": "127.0.0.1:0"})
    return start_server("mirror:app", config=text, listens=False)


def seen(client: TlsClient) -> dict[str, str]:
    found: dict[str, str] = json.loads(client.request().get("mirror") or "{}")
    return found


def test_the_page_has_no_other_configuration() -> None:
    assert len(blocks(PAGE, "python")) == 3
    assert len(re.findall("^```", (GUIDES / PAGE).read_text(), re.M)) == 6


def test_first_configuration_serves_and_takes_new_certificates(
    start_server: Starter, authority: Authority, tmp_path: Path
) -> None:
    server = serve(start_server, authority, tmp_path, 0)
    with TlsClient(server.endpoint, authority.client_context()) as client:
        told = seen(client)
    page = (GUIDES / PAGE).read_text()
    assert (told["HTTPS"], told["wsgi.url_scheme"]) == ("on", "https")
    assert [name for name in told if name.startswith("SSL_") and name not in page] == []
    another = authority.issue("another")
    (tmp_path / "shop" / "privkey.pem").write_bytes(another.key.read_bytes())
    (tmp_path / "shop" / "fullchain.pem").write_bytes(another.certificate.read_bytes())
    server.log.wait_for("The certificate has changed; new connections get the new one")


def test_second_configuration_asks_for_certificates(
    start_server: Starter, authority: Authority, tmp_path: Path
) -> None:
    server = serve(start_server, authority, tmp_path, 1)
    alice = authority.issue("alice", "alice@shop.test")
    with TlsClient(server.endpoint, authority.client_context(pair=alice)) as client:
        told = seen(client)
    page = (GUIDES / PAGE).read_text()
    assert told["SSL_CLIENT_VERIFY"] == "SUCCESS"
    assert [name for name in told if name.startswith("SSL_") and name not in page] == []
    context = authority.client_context(ssl.TLSVersion.TLSv1_2)  # it hears of it in the handshake
    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        TlsClient(server.endpoint, context)


def test_third_configuration_chooses_by_name(
    start_server: Starter, authority: Authority, tmp_path: Path
) -> None:
    server = serve(start_server, authority, tmp_path, 2)
    for name in (NAME, "blog.example"):  # each is checked against the certificate
        with TlsClient(server.endpoint, authority.client_context(), name=name) as client:
            assert seen(client)["PATH_INFO"] == "/"
