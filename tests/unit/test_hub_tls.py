"""What comes through TLS, both ways, and how connections with it end."""

from __future__ import annotations

import ssl
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.kit.blocks import Blocks, asking, path, returning
from tests.kit.files import Sending, content
from tests.kit.inproc import Served
from tests.kit.response import ConnectionEnded, ProtocolViolation, ServerReset
from tests.kit.tls import Authority, HubTlsClient
from tests.unit.conftest import Secure

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
GET = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
LAST = b"GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
BIG = content(3 << 20)
BLOCK = content(64 << 10)
Start = Callable[..., Any]


def echo(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def close(served: Served, client: HubTlsClient) -> None:
    """End the connection while the test still has something to look at."""
    client.close()
    served.turn_until(lambda: served.hub.connections.count == 0, "the connection is closed")


# -- what comes through


def test_requests_are_answered_and_the_end_is_told(
    secure: Secure, context: ssl.SSLContext, http_parser: str
) -> None:
    client = HubTlsClient(secure(path, parser=http_parser), context)
    answers = [client.request("GET", f"/{number}").body for number in range(3)]
    assert answers == [b"/0", b"/1", b"/2"]
    client.send(LAST)
    assert client.read_response().body == b"/x"
    client.expect_end()


def test_environ_says_what_the_connection_is(secure: Secure, authority: Authority) -> None:
    seen: list[dict[str, Any]] = []

    def noting(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        seen.append({key: value for key, value in environ.items() if isinstance(value, str)})
        start_response("204 No Content", [])
        return []

    served = secure(noting)
    client = HubTlsClient(served, authority.client_context(ssl.TLSVersion.TLSv1_3))
    client.request()
    client.request()
    assert seen[0]["wsgi.url_scheme"] == "https"
    assert seen[0]["HTTPS"] == "on"
    assert seen[0]["SSL_PROTOCOL"] == "TLSv1.3"
    assert seen[0]["SSL_CIPHER"] == "TLS_AES_256_GCM_SHA384"
    assert seen[0]["SSL_CIPHER_USEKEYSIZE"] == "256"
    assert seen[0]["SSL_SESSION_RESUMED"] == "Initial"
    assert not [key for key in seen[0] if key.startswith("SSL_CLIENT")]
    assert seen[0] == seen[1]


def test_environ_names_a_client_that_shows_a_certificate(
    secure: Secure, authority: Authority
) -> None:
    seen: list[dict[str, Any]] = []

    def noting(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        seen.append({key: environ[key] for key in environ if key.startswith("SSL_CLIENT_")})
        start_response("204 No Content", [])
        return []

    served = secure(noting, verify=1)
    shown = authority.issue("client", "alice@shop.test", common_name='Älice, "A"')
    HubTlsClient(served, authority.client_context(pair=shown)).request()
    HubTlsClient(served, authority.client_context()).request()
    known, unknown = seen
    assert unknown == {"SSL_CLIENT_VERIFY": "NONE"}
    assert known["SSL_CLIENT_VERIFY"] == "SUCCESS"
    subject = known["SSL_CLIENT_S_DN"].encode("latin-1").decode()
    assert subject.startswith('CN=Älice\\, \\"A\\",OU=')
    assert known["SSL_CLIENT_I_DN"].startswith("OU=Testing CA")
    assert known["SSL_CLIENT_CERT"] in shown.certificate.read_text()
    assert int(known["SSL_CLIENT_M_SERIAL"], 16)
    assert known["SSL_CLIENT_V_END"].endswith("GMT")


def test_pipelined_requests_in_one_record_are_answered_in_order(
    secure: Secure, context: ssl.SSLContext
) -> None:
    client = HubTlsClient(secure(path), context)
    client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % at for at in range(40)))
    assert [client.read_response().body for _ in range(40)] == [b"/%d" % at for at in range(40)]


def test_request_behind_the_last_flight_of_the_handshake_is_seen(
    secure: Secure, context: ssl.SSLContext
) -> None:
    client = HubTlsClient(secure(path), context, shakes=False)
    kept: list[bytes] = []

    def all_but_the_last(data: bytes) -> None:
        kept.append(data)
        if len(kept) == 1 or context.maximum_version == VERSIONS[0]:
            client.send_raw(data)

    client.shake(all_but_the_last)
    rest = b"" if context.maximum_version == VERSIONS[0] else kept[-1]
    client.send_raw(rest + client.sealed(GET))
    assert client.read_response().body == b"/x"


def test_handshake_and_request_may_come_byte_by_byte(
    secure: Secure, context: ssl.SSLContext
) -> None:
    client = HubTlsClient(secure(path), context, shakes=False)

    def slowly(data: bytes) -> None:
        for at in range(len(data)):
            client.send_raw(data[at : at + 1])

    client.shake(slowly)
    slowly(client.sealed(GET))
    assert client.read_response().body == b"/x"
    client.send_byte_by_byte(GET)  # each in a record of its own
    assert client.read_response().body == b"/x"


@pytest.mark.parametrize("size", [1, 16384, 16385, 65536, 300_000, 3 << 20])
def test_bodies_of_every_size_come_whole_both_ways(
    secure: Secure, context: ssl.SSLContext, size: int
) -> None:
    client = HubTlsClient(secure(echo), context)
    for _ in range(2):
        assert client.request("POST", "/", body=content(size)).body == content(size)


@pytest.mark.parametrize("kind", ["one block", "many blocks"])
def test_client_that_does_not_read_holds_a_sealed_record_and_not_more(
    secure: Secure, context: ssl.SSLContext, kind: str
) -> None:
    def large(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/big":
            return path(environ, start_response)
        start_response("200 OK", [("Content-Length", str(len(BIG)))])
        return [BIG] if kind == "one block" else (BLOCK for _ in range(len(BIG) // len(BLOCK)))

    served = secure(large, small_buffers=True)
    client = HubTlsClient(served, context)
    client.send(GET)
    served.settle()
    tracemalloc.start()
    try:
        client = HubTlsClient(served, context)
        client.send(GET.replace(b"/x", b"/big"))
        served.settle()
        held, _most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 40_000  # a record, and the client of the test
    assert client.read_response().body == (BIG if kind == "one block" else BLOCK * 48)


def test_chunked_body_and_request_behind_it(secure: Secure, context: ssl.SSLContext) -> None:
    client = HubTlsClient(secure(echo), context)
    block = b"%x\r\n%s\r\n" % (20_000, content(20_000))
    head = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    client.send(head + block * 9 + b"0\r\n\r\n" + GET)
    assert client.read_response().body == content(20_000) * 9
    assert client.read_response().body == b""


def test_body_that_is_asked_for_is_received(secure: Secure, context: ssl.SSLContext) -> None:
    client = HubTlsClient(secure(echo), context)
    client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    client.send(b"abc")
    response = client.read_response()
    assert [one.status for one in response.interim] == [100]
    assert response.body == b"abc"


def test_refused_request_gets_its_page_and_the_end(secure: Secure, context: ssl.SSLContext) -> None:
    served = secure(path)
    client = HubTlsClient(served, context)
    client.send(b"GET / HTTP/1.1\r\n\r\n")
    assert client.read_response().status == 400
    client.expect_end()
    served.logged("Invalid request")


# -- large answers and clients that do not read


@pytest.mark.parametrize("slow", [False, True])
def test_large_body_arrives_whole(secure: Secure, context: ssl.SSLContext, slow: bool) -> None:
    served = secure(returning([BIG]), small_buffers=slow)
    client = HubTlsClient(served, context, small_buffers=slow)
    for _ in range(2):
        client.send(GET)
        assert client.read_response().body == BIG


@pytest.mark.parametrize("slow", [False, True])
def test_large_file_arrives_whole(
    secure: Secure, context: ssl.SSLContext, make_file: Callable[[int], Path], slow: bool
) -> None:
    place = make_file(1_000_000)
    served = secure(Sending(lambda: place.open("rb")), small_buffers=slow)
    client = HubTlsClient(served, context, small_buffers=slow)
    for _ in range(2):
        assert client.request().body == content(1_000_000)


def test_stream_of_blocks_of_every_size_arrives_whole(
    secure: Secure, context: ssl.SSLContext
) -> None:
    sizes = [1, 100_000, 5, 70_000, 0, 16384, 200_000, 3]
    served = secure(lambda *given: returning(Blocks(map(content, sizes)))(*given))
    client = HubTlsClient(served, context, small_buffers=True)
    for _ in range(2):
        assert client.request().body == b"".join(map(content, sizes))


def test_what_write_pushes_waits_in_a_file_and_arrives_whole(
    secure: Secure, context: ssl.SSLContext
) -> None:
    def writing(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        write = start_response("200 OK", [("Content-Length", str(5 * 700_000 + 1))])
        for _ in range(5):
            write(content(700_000))
        return [b"."]

    client = HubTlsClient(secure(writing, small_buffers=True), context, small_buffers=True)
    for _ in range(2):
        assert client.request().body == content(700_000) * 5 + b"."


def test_pipelined_answers_wait_in_order_for_a_client_that_does_not_read(
    secure: Secure, context: ssl.SSLContext
) -> None:
    app = asking({"/big": returning([BIG[:400_000]]), "/x": path})
    client = HubTlsClient(secure(app, small_buffers=True), context, small_buffers=True)
    client.send((b"GET /big HTTP/1.1\r\nHost: h\r\n\r\n" + GET) * 2 + LAST)
    for _ in range(2):
        assert client.read_response().body == BIG[:400_000]
        assert client.read_response().body == b"/x"
    assert client.read_response().body == b"/x"
    client.expect_end()


def test_client_that_does_not_read_is_reset(secure: Secure, context: ssl.SSLContext) -> None:
    served = secure(returning([BIG]), small_buffers=True, write_timeout=0.05)
    client = HubTlsClient(served, context, small_buffers=True)
    client.send(GET)
    served.turn_until(lambda: served.hub.connections.count == 0, "the client is given up")
    with pytest.raises(ProtocolViolation):
        client.read_response()


def test_large_answer_is_not_in_memory_twice(secure: Secure, authority: Authority) -> None:
    served = secure(returning([BIG]), small_buffers=True)
    client = HubTlsClient(served, authority.client_context(), small_buffers=True)
    before = _anonymous()
    client.send(GET)
    assert _anonymous() - before < len(BIG) / 2


def _anonymous() -> int:
    """Bytes of memory of this process that are backed by no file."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


# -- the end


def test_idle_connection_ends_with_close_notify(secure: Secure, context: ssl.SSLContext) -> None:
    client = HubTlsClient(secure(path, keepalive=0.05), context)
    client.request()
    client.expect_end()


def test_body_that_only_the_end_ends_is_told_from_one_that_is_cut(
    secure: Secure, context: ssl.SSLContext
) -> None:
    whole = lambda *given: returning(Blocks([b"ab", b"c"]))(*given)  # noqa: E731
    cut = lambda *given: returning(Blocks([b"ab", ValueError("planned")]))(*given)  # noqa: E731
    served = secure(asking({"/whole": whole, "/cut": cut}))
    client = HubTlsClient(served, context)
    client.send(b"GET /whole HTTP/1.0\r\n\r\n")
    assert client.read_response().body == b"abc"
    client = HubTlsClient(served, context)
    client.send(b"GET /cut HTTP/1.0\r\n\r\n")
    with pytest.raises((ServerReset, ConnectionEnded)):
        client.read_response()
    served.logged("planned")


def test_close_notify_of_the_client_ends_an_idle_connection(
    secure: Secure, context: ssl.SSLContext
) -> None:
    client = HubTlsClient(secure(path), context)
    client.request()
    client.goodbye()
    client.expect_end()


def test_request_before_close_notify_is_answered(secure: Secure, context: ssl.SSLContext) -> None:
    client = HubTlsClient(secure(path), context)
    client.send_raw(client.sealed(GET) + _alert(client))
    assert client.incoming.pending == 0
    client._feed()
    assert client.tls.read(1000).startswith(b"HTTP/1.1 200 OK")


def _alert(client: HubTlsClient) -> bytes:
    with pytest.raises((ssl.SSLWantReadError, ssl.SSLSyscallError)):
        client.tls.unwrap()
    return client.outgoing.read()


@pytest.mark.parametrize("tells", [False, True])
def test_end_without_close_notify_is_told_if_that_is_asked_for(
    secure: Secure, context: ssl.SSLContext, tells: bool
) -> None:
    served = secure(path, tells_ragged=tells)
    client = HubTlsClient(served, context)
    client.request()
    close(served, client)
    if tells:
        served.logged("TLS with ip=127.0.0.1 ended without close_notify")
    polite = HubTlsClient(served, context)
    polite.request()
    polite.goodbye()
    close(served, polite)


def test_body_that_is_cut_off_is_never_seen(secure: Secure, context: ssl.SSLContext) -> None:
    served = secure(echo)
    client = HubTlsClient(served, context)
    client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345")
    client.half_close()
    assert client.read_response().status == 400
