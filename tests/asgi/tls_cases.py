"""Over TLS: what the scope says of it (asgiref, specs/tls.rst 0.2, called tls here), and the rest.

Runs in: cli
"""

from __future__ import annotations

import atexit
import functools
import shutil
import ssl
import tempfile
from pathlib import Path
from typing import Any

from tests.asgi.case import Group, NotOffered
from tests.asgi.stage import Stage, value_of
from tests.kit.tls import Authority, Pair
from tests.kit.websocket import CLOSE, TEXT, Frame, close_payload

group = Group("tls")
rule, wish = group.rule, group.wish


@functools.cache
def authority() -> Authority:
    """Whom client and server believe, for all cases of this process."""
    folder = Path(tempfile.mkdtemp(prefix="asgi-tls-"))
    atexit.register(shutil.rmtree, folder)
    return Authority(folder)


@functools.cache
def pair_of(stem: str) -> Pair:
    return authority().issue(stem, common_name=stem)


def secured(stage: Stage, *, asks: bool = False, pair: Pair | None = None) -> Stage:
    """The stage of a server with TLS.  asks: for a certificate; pair: the client's, if it has
    one."""
    server = pair_of("server")
    tls = {"certfile": str(server.certificate), "keyfile": str(server.key)}
    if asks:
        tls["ca_certs"] = str(authority().path)
    return stage.on(stage.start(tls=tls), authority().client_context(pair=pair))


def extension(stage: Stage) -> dict[str, Any]:
    """What the scope says of TLS.  Raises NotOffered without."""
    found: dict[str, dict[str, Any]] = stage.value("scope")["extensions"]
    if "tls" not in found:
        raise NotOffered("no tls in scope['extensions']")
    return found["tls"]


def first_in(path: Path) -> bytes:
    """The first certificate of a file, as DER."""
    end = "-----END CERTIFICATE-----"
    return ssl.PEM_cert_to_DER_cert(path.read_text().partition(end)[0] + end + "\n")


@rule
def scheme_is_https(stage: Stage) -> None:
    """www: `scheme` -- URL scheme portion (likely "http" or "https")."""
    assert secured(stage).value("scope")["scheme"] == "https"


@rule
def scheme_of_a_websocket_is_wss(stage: Stage) -> None:
    """www: `scheme` -- URL scheme portion (likely "ws" or "wss")."""
    other = secured(stage)
    other.websocket("ws_scope")
    assert other.told("scope")["scope"]["scheme"] == "wss"


@rule
def extension_is_for_tls_alone(stage: Stage) -> None:
    """tls: For non-TLS connections, the ASGI server is forbidden from providing this extension."""
    assert "tls" not in stage.value("scope").get("extensions", {})


@rule
def extension_has_what_is_mandatory(stage: Stage) -> None:
    """tls: `server_cert` (Unicode string or None), `tls_version` (integer or None), `cipher_suite`
    (integer or None): Mandatory."""
    found = extension(secured(stage))
    assert isinstance(found["server_cert"], str | None)
    assert found["tls_version"] in (0x0303, 0x0304, None)
    assert found["cipher_suite"] is None or 0 < found["cipher_suite"] < 0x10000


@wish
def extension_is_there_with_its_facts(stage: Stage) -> None:
    """tls: the PEM-encoded conversion of the x509 certificate sent by the server; 0x0304 for TLS
    1.3; TLS_AES_128_GCM_SHA256 is 0x1301."""
    found = secured(stage).value("scope")["extensions"]["tls"]
    assert ssl.PEM_cert_to_DER_cert(found["server_cert"]) == first_in(pair_of("server").certificate)
    assert found["tls_version"] == 0x0304
    assert found["cipher_suite"] in (0x1301, 0x1302, 0x1303)


@rule
def client_without_a_certificate_has_none(stage: Stage) -> None:
    """tls: `client_cert_chain`: If the client did not provide a client certificate then it will be
    an empty iterable; `client_cert_name`: None."""
    found = extension(secured(stage, asks=True))
    assert list(found.get("client_cert_chain", [])) == []
    assert found.get("client_cert_name") is None
    assert found.get("client_cert_error") is None


@rule
def client_certificate_is_told(stage: Stage) -> None:
    """tls: `client_cert_chain`: The first certificate is the client certificate;
    `client_cert_name`: the Distinguished Name of the Subject, encoded as defined in RFC 4514, must
    be provided if the chain is."""
    pair = pair_of("client")
    found = extension(secured(stage, asks=True, pair=pair))
    chain = list(found.get("client_cert_chain", []))
    if chain:
        assert ssl.PEM_cert_to_DER_cert(chain[0]) == first_in(pair.certificate)
        assert "CN=client" in found["client_cert_name"].split(",")
    assert found.get("client_cert_error") is None


@rule
def bodies_go_through_both_ways(stage: Stage) -> None:
    """www: the scheme changes nothing else."""
    other = secured(stage)
    body = bytes(range(256)) * 8192
    assert other.value("size", method="POST", body=body) == (len(body), sum(body))
    assert other.ask("without_length").body == b"one two"


@rule
def body_is_passed_on_while_it_comes(stage: Stage) -> None:
    """www: the body message serves as a way to stream large incoming HTTP bodies in chunks."""
    other = secured(stage)
    client = other.send("one_by_one", "Content-Length: 6", method="POST")
    client.send(b"abc")
    other.told("bytes-3")
    client.send(b"def")
    assert value_of(client.read_response()) == b"abcdef"


@rule
def client_that_closes_is_told_to_who_waits(stage: Stage) -> None:
    """www: http.disconnect: This is mainly useful for long-polling, where you may want to trigger
    cleanup code if the connection closes early."""
    other = secured(stage)
    client = other.send("wait_for_the_end")
    other.told("waits")
    client.close()
    assert other.told("heard")["heard"][0] == "http.disconnect"


@rule
def send_waits_for_a_client_that_reads_slowly(stage: Stage) -> None:
    """asgi: `send`: an awaitable callable that will return once the send has been completed."""
    other = secured(stage)
    client = other.send("to_who_does_not_read")
    assert other.told("waits")["waits"] is True
    assert client.read_response().body == bytes(range(256)) * 256 * 512


@rule
def messages_of_a_websocket_come_and_go(stage: Stage) -> None:
    """www: scheme "wss"; RFC 6455 section 10.6: over TLS."""
    other = secured(stage)
    opened = other.websocket("ws_echo")
    for text in (b"one", b"two" * 30_000):
        opened.send(TEXT, text)
        assert opened.message() == Frame(TEXT, text)
    opened.send(CLOSE, close_payload(1000))
    assert opened.closed()[0] == 1000
