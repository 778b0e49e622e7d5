"""Certificates: what is wrong with them at the start, and new ones while the server runs.

Runs in: cli
"""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.client import RawClient
from tests.kit.programs import library, run
from tests.kit.server import RunningServer, environment
from tests.kit.tls import NAME, Authority, Pair, TlsClient, s_client
from tests.kit.traffic import Traffic
from tests.kit.waiting import wait_until

# FOLDER is where a test keeps certificates.
BOTH = 'certfile = "FOLDER/cert.pem"\nkeyfile = "FOLDER/cert.key"\n'


def put(pair: Pair, folder: Path) -> None:
    """Make these the certificate and key that the server's config file names."""
    for source, name in ((pair.key, "cert.key"), (pair.certificate, "cert.pem")):
        shutil.copy(source, folder / f"{name}.new")
        (folder / f"{name}.new").replace(folder / name)


def shown(server: RunningServer, name: str = NAME) -> bytes:
    """The certificate that a client sees, in DER form."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with TlsClient(server.endpoint, context, name=name) as client:
        return client.sock.getpeercert(binary_form=True) or b""


def der(pair: Pair) -> bytes:
    """The first certificate of the file."""
    end = "-----END CERTIFICATE-----"
    return ssl.PEM_cert_to_DER_cert(pair.certificate.read_text().partition(end)[0] + end)


@pytest.fixture
def pairs(authority: Authority) -> list[Pair]:
    return [authority.issue("first"), authority.issue("second")]


@pytest.fixture
def start(start_server: Starter, tmp_path: Path, pairs: list[Pair]) -> Starter:
    """Start a server with the first certificate in the test's folder; as start_server."""

    def start(*words: str, config: str = BOTH, **options: object) -> RunningServer:
        put(pairs[0], tmp_path)
        return start_server(*words, config=config.replace("FOLDER", str(tmp_path)), **options)

    return start


# -- at the start


@pytest.mark.effect("certfile", "keyfile")
def test_certificate_is_the_one_that_is_named(
    start_server: Starter, pairs: list[Pair], tmp_path: Path
) -> None:
    separate = start_server(
        "mirror:app", "--certfile", str(pairs[0].certificate), "--keyfile", str(pairs[0].key)
    )
    assert shown(separate) == der(pairs[0])
    both = tmp_path / "both.pem"
    both.write_bytes(pairs[1].key.read_bytes() + pairs[1].certificate.read_bytes())
    assert shown(start_server("mirror:app", "--certfile", str(both))) == der(pairs[1])


def _text(path: Path) -> None:
    path.write_text("no certificate\n")


def _encrypted(path: Path) -> None:
    how = ("-aes256", "-passout", "pass:secret")
    run("openssl", "pkey", "-in", str(path), *how, "-out", f"{path}.new")
    Path(f"{path}.new").replace(path)


@pytest.mark.parametrize(
    ("config", "spoil", "says"),
    [
        (BOTH, lambda folder: (folder / "cert.pem").unlink(),
         "cert.pem' cannot be read: No such file or directory; write the path of a PEM file"),
        (BOTH, lambda folder: _text(folder / "cert.pem"),
         "cert.pem' has no certificate in PEM form; write the path of the right file"),
        (BOTH, lambda folder: _text(folder / "cert.key"), "has no private key in PEM form; write"),
        (BOTH, lambda folder: _encrypted(folder / "cert.key"), "cert.key' is encrypted; decrypt"),
        (BOTH, lambda folder: shutil.copy(folder / "other.key", folder / "cert.key"),
         "cert.key' has the key of another certificate than "),
        (BOTH + "ciphers = 'NONSENSE'", lambda folder: None,
         "ciphers: 'NONSENSE' names no cipher that OpenSSL has; write a list"),
        (BOTH + "cert_reqs = 2", lambda folder: None,
         "cert_reqs: needs somebody who vouches for clients; set ca_certs too"),
        (BOTH + "cert_reqs = 2\nca_certs = 'FOLDER/cert.key'", lambda folder: None, "ca_certs: "),
        ("keyfile = 'FOLDER/cert.key'", lambda folder: None,
         "keyfile: needs a certificate; set certfile"),
        ("certfile = 'FOLDER/cert.pem'", lambda folder: None,
         "has no private key in PEM form; name the file that has it as keyfile"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_a_line_before_anything_starts(
    start_server: Starter,
    tmp_path: Path,
    pairs: list[Pair],
    config: str,
    spoil: Callable[[Path], object],
    says: str,
) -> None:
    put(pairs[0], tmp_path)
    shutil.copy(pairs[1].key, tmp_path / "other.key")
    spoil(tmp_path)
    config = config.replace("FOLDER", str(tmp_path))
    server = start_server("mirror:app", config=config, ready=False)
    assert server.wait_exit() == 1
    assert len(server.log.lines(says)) == 1, server.log.text()
    checked = subprocess.run(
        [sys.executable, "-P", "-m", "fastfork", "config", "check"],
        cwd=server.files, env=environment({}), capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert checked.returncode == 1
    assert says in checked.stderr
    assert "Worker" not in server.log.text()


@pytest.mark.effect("ssl_version")
def test_what_has_no_effect_says_so(start: Starter) -> None:
    server = start("mirror:app", "--ssl-version", "TLSv1_2", config=BOTH)
    server.log.wait_for("ssl_version: has no effect; use tls_min_version")
    assert "200 OK" in s_client(
        server.endpoint, "-tls1_3", "-ign_eof",
        said=b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    )  # fmt: skip


@pytest.mark.effect("suppress_ragged_eofs")
def test_end_without_an_announcement_is_told_if_that_is_wanted(
    start: Starter, start_server: Starter, authority: Authority, pairs: list[Pair]
) -> None:
    quiet = start("mirror:app")
    telling = start_server(
        "mirror:app",
        *("--certfile", str(pairs[0].certificate), "--keyfile", str(pairs[0].key)),
        "--no-suppress-ragged-eofs",
    )
    for server in (quiet, telling):
        with TlsClient(server.endpoint, authority.client_context()) as client:
            assert client.request().status == 200
    telling.log.wait_for("TLS with ip=127.0.0.1 ended without close_notify")
    assert "close_notify" not in quiet.log.text()


@pytest.mark.effect("do_handshake_on_connect")
def test_time_of_the_handshake_may_begin_with_the_connection(start: Starter) -> None:
    more = "do_handshake_on_connect = True\ntls_handshake_timeout = 0.3\nheader_timeout = 60\n"
    with start("mirror:app", config=BOTH + more).connect() as client:
        client.expect_end()


# -- the hook


HOOK = """
import ssl
certfile, keyfile = "FOLDER/cert.pem", "FOLDER/cert.key"

def ssl_context(config, default_ssl_context_factory):
    context = default_ssl_context_factory()
    other = default_ssl_context_factory()
    other.load_cert_chain("FOLDER/other.pem", "FOLDER/other.key")

    def choose(tls, name, first):
        if name == "other.test":
            tls.context = other

    context.sni_callback = choose
    print("CONTEXT MADE", flush=True)
    return context
"""


@pytest.mark.effect("ssl_context")
def test_hook_may_choose_a_certificate_by_name(
    start: Starter, authority: Authority, pairs: list[Pair], tmp_path: Path
) -> None:
    other = authority.issue("other", "other.test")
    shutil.copy(other.certificate, tmp_path / "other.pem")
    shutil.copy(other.key, tmp_path / "other.key")
    server = start("mirror:app", config=HOOK, workers=2)
    for _ in range(4):
        assert shown(server) == der(pairs[0])
        assert shown(server, "other.test") == der(other)
    assert server.log.text().count("CONTEXT MADE") == 2, "once a worker"


@pytest.mark.parametrize("body", ["return None", "raise ValueError('planned')"])
def test_hook_that_makes_no_context_ends_the_start(start: Starter, body: str) -> None:
    config = f"{BOTH}\ndef ssl_context(config, default_ssl_context_factory):\n    {body}\n"
    server = start("mirror:app", config=config, ready=False)
    if "raise" in body:
        server.expect_alarm("planned")
    assert server.wait_exit() == 3
    assert "ssl_context" in server.log.text()


# -- sessions


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["each", "preload"])
@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_session_goes_on_in_any_worker(
    start: Starter, authority: Authority, version: str, options: tuple[str, ...]
) -> None:
    server = start("worker_plain:app", *options, workers=2)
    context = authority.client_context(ssl.TLSVersion[version])
    session = None
    for number in range(8):
        # Which of two idle workers is woken is the kernel's choice: each is left alone in turn.
        resting = server.worker_pids()[number % 2]
        os.kill(resting, signal.SIGSTOP)
        try:
            with TlsClient(server.endpoint, context, session=session) as client:
                assert client.request("GET", "/pid").text != str(resting)
                assert client.sock.session_reused == (session is not None)
                session = client.sock.session
        finally:
            os.kill(resting, signal.SIGCONT)


# -- new certificates


def secured(context: ssl.SSLContext) -> Callable[..., ssl.SSLSocket]:
    return lambda sock: context.wrap_socket(sock, server_hostname=NAME, suppress_ragged_eofs=False)


def test_reload_under_load_takes_the_new_certificate_and_loses_nothing(
    start: Starter, authority: Authority, pairs: list[Pair], tmp_path: Path
) -> None:
    server = start("serial:app", workers=2)
    with Traffic(lambda: server.endpoint, secure=secured(authority.client_context())) as traffic:
        for number in (1, 2, 3):
            wait_until(lambda: traffic.answered() > 200 * number, "traffic flows")  # noqa: B023
            put(pairs[number % 2], tmp_path)
            server.signal("reload")
            server.log.wait_for("Reload complete", count=number, timeout=30)
            # A worker that leaves may still have been the one whom the kernel woke.
            wanted = der(pairs[number % 2])
            wait_until(lambda: shown(server) == wanted, "the new one is shown")  # noqa: B023
    report = traffic.report
    assert (report.lost, report.resets, report.refused) == ([], [], [])


@pytest.mark.effect("tls_reload")
def test_changed_file_is_taken_under_load_by_the_workers_that_run(
    start: Starter, authority: Authority, pairs: list[Pair], tmp_path: Path
) -> None:
    server = start("serial:app", config=BOTH + "tls_reload = True\n", workers=2)
    pids = server.worker_pids()
    with Traffic(lambda: server.endpoint, secure=secured(authority.client_context())) as traffic:
        wait_until(lambda: traffic.answered() > 100, "traffic flows")
        put(pairs[1], tmp_path)
        server.log.wait_for("The certificate has changed; new connections get the new one", count=2)
        assert {shown(server) for _ in range(10)} == {der(pairs[1])}
        put(Pair(pairs[0].certificate, pairs[1].key), tmp_path)
        server.log.wait_for("The changed certificate is not taken, the old one stays: ", count=2)
        assert {shown(server) for _ in range(10)} == {der(pairs[1])}
        put(pairs[0], tmp_path)
        server.log.wait_for("The certificate has changed; new connections get the new one", count=4)
        assert {shown(server) for _ in range(10)} == {der(pairs[0])}
    report = traffic.report
    assert (report.lost, report.resets, report.refused) == ([], [], [])
    assert server.worker_pids() == pids


def test_changed_file_waits_for_a_reload_if_nothing_else_is_asked_for(
    start: Starter, pairs: list[Pair], tmp_path: Path
) -> None:
    server = start("mirror:app", "--timeout", "1")  # a look up every third of a second
    put(pairs[1], tmp_path)
    with RawClient(server.endpoint) as client:
        client.expect_silence(1.5)
    assert shown(server) == der(pairs[0])


def test_reload_brings_tls_to_a_port_that_had_none(
    start_server: Starter, pairs: list[Pair], tmp_path: Path
) -> None:
    put(pairs[0], tmp_path)
    server = start_server("mirror:app", config="", workers=2)
    assert server.get("/").status == 200
    server.write_config(BOTH.replace("FOLDER", str(tmp_path)))
    server.signal("reload")
    server.log.wait_for("Worker exited", count=2)
    assert shown(server) == der(pairs[0])
    assert server.get("/").status == 400


def test_reload_with_a_bad_certificate_changes_nothing(
    start: Starter, pairs: list[Pair], tmp_path: Path
) -> None:
    server = start("mirror:app", workers=2)
    pids = server.worker_pids()
    put(Pair(pairs[1].certificate, pairs[0].key), tmp_path)
    server.signal("reload")
    line = server.log.wait_for("reload refused: ")
    assert "has the key of another certificate than" in line
    assert shown(server) == der(pairs[0])
    assert server.worker_pids() == pids


# -- with other parts of the server


def test_page_that_stands_in_for_a_broken_application_is_sealed_too(
    start: Starter, tmp_path: Path, authority: Authority
) -> None:
    (tmp_path / "broken.py").write_text("raise LookupError('to mend')\n")
    server = start("broken:app", "--reload", "--pythonpath", str(tmp_path))
    server.expect_alarm("LookupError")
    with TlsClient(server.endpoint, authority.client_context()) as client:
        answer = client.request("GET", "/")
    assert (answer.status, "LookupError" in answer.text) == (500, True)


def test_greenlets_serve_with_tls(start: Starter, authority: Authority) -> None:
    library("gevent")
    server = start("mirror:app", "-k", "gevent")
    with TlsClient(server.endpoint, authority.client_context()) as client:
        for _ in range(3):
            assert client.request("POST", "/", body=b"x" * 100_000).status == 200
