"""Certificates for tests, and clients with TLS that are as strict as those without.

Runs in: cli
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import trustme

from tests.kit.client import Endpoint, RawClient
from tests.kit.inproc import HubClient, Served
from tests.kit.programs import program
from tests.kit.response import ServerReset
from tests.kit.waiting import DEADLINE

NAME = "shop.test"


@dataclass(frozen=True)
class Pair:
    """Paths of a certificate and its key, in PEM form."""

    certificate: Path
    key: Path


class Authority:
    """Somebody whom clients and servers of a test believe.  folder: where its files are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ca = trustme.CA()
        self.path = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(self.path)

    def issue(self, stem: str, *names: str, common_name: str | None = None) -> Pair:
        """A certificate for `names`, or for NAME, in files that begin with `stem`."""
        made = self._ca.issue_cert(*(names or (NAME,)), common_name=common_name)
        pair = Pair(self.folder / f"{stem}.pem", self.folder / f"{stem}.key")
        made.private_key_pem.write_to_path(pair.key)
        pair.certificate.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        return pair

    def client_context(
        self, version: ssl.TLSVersion | None = None, pair: Pair | None = None
    ) -> ssl.SSLContext:
        """What a client needs that believes this authority.  version: the only one it speaks."""
        context = ssl.create_default_context(cafile=str(self.path))
        if version is not None:
            context.minimum_version = context.maximum_version = version
        if pair is not None:
            context.load_cert_chain(pair.certificate, pair.key)
        return context


class TlsClient(RawClient):
    """A RawClient that speaks TLS with a server in processes of its own."""

    sock: ssl.SSLSocket

    def __init__(
        self,
        endpoint: Endpoint,
        context: ssl.SSLContext,
        *,
        name: str = NAME,
        session: ssl.SSLSession | None = None,
        timeout: float = DEADLINE,
    ) -> None:
        super().__init__(endpoint, timeout=timeout)
        raw: socket.socket = self.sock
        try:
            self.sock = context.wrap_socket(
                raw, server_hostname=name, session=session, suppress_ragged_eofs=False
            )
        except BaseException:
            raw.close()
            raise

    def half_close(self) -> None:
        """End the sending half of the socket; an SSLSocket would give up TLS with it."""
        socket.socket.shutdown(self.sock, socket.SHUT_WR)


class HubTlsClient(HubClient):
    """A HubClient with TLS, which turns the hub while it waits for its handshake too.

    The end of the connection is its end only when TLS has said so before.
    """

    def __init__(
        self,
        served: Served,
        context: ssl.SSLContext,
        *,
        small_buffers: bool = False,
        shakes: bool = True,
    ) -> None:
        super().__init__(served, small_buffers)
        served.own(self)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=NAME)
        if shakes:
            self.shake()

    def shake(self, send: Callable[[bytes], None] | None = None) -> None:
        """Complete the handshake.  send: how its bytes are sent."""
        send = send or self.send_raw
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                send(self.outgoing.read())
                self._feed()
            else:
                send(self.outgoing.read())
                return

    def sealed(self, data: bytes) -> bytes:
        """The records that `data` becomes."""
        done = 0
        while done < len(data):
            done += self.tls.write(data[done:])
        return self.outgoing.read()

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        super().send(data)

    def send(self, *pieces: bytes) -> None:
        """Send the pieces, each as records of its own; the hub serves each before the next."""
        super().send(*map(self.sealed, pieces))

    def goodbye(self) -> None:
        """Say that nothing more will be sent (close_notify), and leave the connection open."""
        try:
            self.tls.unwrap()
        except (ssl.SSLWantReadError, ssl.SSLSyscallError):
            pass
        self.send_raw(self.outgoing.read())

    def _feed(self) -> bytes:
        piece = super()._more()
        if piece:
            self.incoming.write(piece)
        else:
            self.incoming.write_eof()
        return piece

    def _more(self) -> bytes:
        while True:
            try:
                return self.tls.read(1 << 18)
            except ssl.SSLWantReadError:
                self._feed()
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLEOFError as error:
                raise ServerReset("the connection ended without close_notify") from error


def talk(endpoint: Endpoint, steps: Sequence[tuple[bytes, str]], *options: str) -> str:
    """As `s_client`, in steps: what is said, and what must be read before the next step."""
    assert not isinstance(endpoint, str)
    command = [program("openssl"), "s_client", "-connect", f"{endpoint[0]}:{endpoint[1]}", *options]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        read = b""
        try:
            for said, wanted in ((b"", "---"), *steps):
                client.stdin.write(said)
                client.stdin.flush()
                start = len(read)
                while wanted.encode() not in read[start:]:
                    ready, _, _ = select.select([client.stdout], [], [], DEADLINE)
                    assert ready, f"{wanted!r} did not come: {read!r}"
                    piece = os.read(client.stdout.fileno(), 65536)
                    assert piece, f"it ended before {wanted!r}: {read!r}"
                    read += piece
        finally:
            client.kill()
    return read.decode("latin-1")


def s_client(endpoint: Endpoint, *options: str, said: bytes = b"") -> str:
    """What `openssl s_client` prints that talks to a server, and says `said` there."""
    assert not isinstance(endpoint, str)
    command = [program("openssl"), "s_client", "-connect", f"{endpoint[0]}:{endpoint[1]}", *options]
    done = subprocess.run(command, input=said, capture_output=True, timeout=DEADLINE)
    return (done.stdout + done.stderr).decode("latin-1")
