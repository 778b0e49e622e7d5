"""The certificates of a revision, opened by the arbiter for all its workers.

Runs in: arbiter
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastfork.config import Config
    from fastfork.net.tls import Certificates

__all__ = ["prepared_certificates"]


def prepared_certificates(cfg: Config) -> Certificates | None:
    """Return those of the settings, None without TLS.  Raises ConfigError."""
    if cfg.certfile is None:
        return None
    from pathlib import Path

    from fastfork.net.tls import Certificates  # libssl is in memory where it is used

    folder = Path(cfg.chdir).absolute()
    certificates = Certificates(
        certfile=folder / cfg.certfile,
        keyfile=None if cfg.keyfile is None else folder / cfg.keyfile,
        ca_certs=None if cfg.ca_certs is None else folder / cfg.ca_certs,
        verify=cfg.cert_reqs,
        ciphers=cfg.ciphers,
        minimum=cfg.tls_min_version.replace(".", "_"),
        protocols=cfg.http_protocols,
    )
    certificates.prepare()
    return certificates
