"""Checks between the settings of TLS.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..values import Problem

if TYPE_CHECKING:
    from ..settings import Config

__all__ = ["check_tls"]


def check_tls(cfg: Config) -> Iterator[Problem]:
    """Yield what goes together; that certificate and key do is for the arbiter to see."""
    if cfg.ssl_version is not None:
        yield Problem("ssl_version", "has no effect; use tls_min_version", fatal=False)
    if cfg.certfile is None:
        yield from _without_certificate(cfg)
        return
    for name in ("certfile", "keyfile", "ca_certs"):
        path: str | None = getattr(cfg, name)
        if path is not None and (problem := _unreadable(os.path.join(cfg.chdir, path))):
            yield Problem(name, f"{path!r} cannot be read: {problem}; write the path of a PEM file")
    if cfg.cert_reqs and cfg.ca_certs is None and cfg.ssl_context is None:
        yield Problem("cert_reqs", "needs somebody who vouches for clients; set ca_certs too")
    if cfg.ca_certs is not None and not cfg.cert_reqs and cfg.ssl_context is None:
        yield Problem("ca_certs", "has no effect without cert_reqs", fatal=False)


def _unreadable(path: str) -> str:
    """Return what is wrong with it, '' for nothing."""
    try:
        with open(path, "rb"):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _without_certificate(cfg: Config) -> Iterator[Problem]:
    if cfg.keyfile is not None:
        yield Problem(
            "keyfile", "needs a certificate; set certfile too, or leave out both for plain HTTP"
        )
    elif cfg.ssl_context is not None or cfg.tls_reload:
        name = "tls_reload" if cfg.ssl_context is None else "ssl_context"
        yield Problem(name, "has no effect without certfile", fatal=False)
