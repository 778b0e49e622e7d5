"""What the scope of an ASGI application says of TLS (asgiref, specs/tls.rst 0.2).

Runs in: worker
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from fastfork.workers.tls import WorkerTls

VERSIONS: Final = {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}


class TlsExtension:
    """Makes `scope["extensions"]["tls"]` of what the environ has of the connection."""

    def __init__(self, tls: WorkerTls) -> None:
        self._tls = tls
        # OpenSSL's numbers have the protocol in front of the suite's two bytes.
        self._suites = {one["name"]: one["id"] & 0xFFFF for one in tls.context.get_ciphers()}

    def __call__(self, environ: dict[str, Any]) -> dict[str, Any]:
        """The extension for a request whose connection has TLS."""
        certificate = environ.get("SSL_CLIENT_CERT")
        name = environ.get("SSL_CLIENT_S_DN")
        return {
            "server_cert": self._tls.certificates.certificate,
            "client_cert_chain": [] if certificate is None else [certificate],
            "client_cert_name": None if name is None else name.encode("latin-1").decode(),
            "client_cert_error": None,
            "tls_version": VERSIONS.get(environ["SSL_PROTOCOL"]),
            "cipher_suite": self._suites.get(environ["SSL_CIPHER"]),
        }
