"""The TLS of one worker: the context it serves with, and when there is a new one.

Runs in: worker
"""

from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING

from fastfork.errors import ConfigError, StartError
from fastfork.net.tls import Certificates, peer_facts
from fastfork.wsgi import hooks

if TYPE_CHECKING:
    from fastfork._core.loop.hub import Hub
    from fastfork.config import Config

__all__ = ["WorkerTls"]

log = logging.getLogger("fastfork.error")


class WorkerTls:
    """certificates: as the arbiter has prepared them."""

    def __init__(self, cfg: Config, certificates: Certificates) -> None:
        self.cfg = cfg
        self.certificates = certificates

    def begin(self) -> None:
        """Make the context.  Raises HookFailed, ConfigError."""
        self.context = self._make()

    def secure(self, hub: Hub) -> None:
        """Have every connection that is accepted from now on begin with a handshake."""
        hub.secure(
            self.context,
            facts_of=peer_facts,
            at_once=self.cfg.do_handshake_on_connect,
            tells_ragged=not self.cfg.suppress_ragged_eofs,
        )

    def look(self, hub: Hub) -> None:
        """Take new certificates if there are some; those that cannot be used are named once."""
        if not self.cfg.tls_reload or not self.certificates.has_changed():
            return
        try:
            self.certificates.prepare()
            self.context = self._make()
        except StartError as error:
            log.error("The changed certificate is not taken, the old one stays: %s", error)
            return
        self.secure(hub)
        log.info("The certificate has changed; new connections get the new one")

    def _make(self) -> ssl.SSLContext:
        if self.cfg.ssl_context is None:
            return self.certificates.context()
        made = hooks.asked(self.cfg, "ssl_context", self.cfg, self.certificates.context)
        if not isinstance(made, ssl.SSLContext):
            raise ConfigError(
                f"ssl_context: the hook returned {type(made).__name__}, which is no SSLContext; "
                "return what default_ssl_context_factory() gives"
            )
        self.certificates.offer(made)  # it is what we speak
        return made
