"""What a worker's hub is told of the proxies in front.

Runs in: worker
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from fastfork.http.forwarded import Forwarded
from fastfork.net.trust import TrustedPeers

if TYPE_CHECKING:
    from fastfork._core.http.environ import EnvironBuilder
    from fastfork.config import Config

__all__ = ["in_front"]

# proxy_protocol -> the bits of csrc/net/proxy_protocol.h.
PROXY_VERSIONS: Final = {"off": 0, "v1": 1, "v2": 2, "auto": 3}


def in_front(cfg: Config, make_environs: Callable[..., EnvironBuilder]) -> dict[str, Any]:
    """The hub's options, by name.  make_environs: makes environs of trusted peers."""
    forwarded = Forwarded(
        TrustedPeers(cfg.forwarded_allow_ips).trusts,
        walks="*" not in cfg.forwarded_allow_ips,
        schemes=cfg.secure_scheme_headers,
        fields=cfg.forwarded_client,
    )
    trusted = make_environs(
        watched=forwarded.watched,
        forwarders=frozenset(cfg.forwarder_headers),
        refuses=cfg.header_map == "refuse",
    )
    return {
        "proxy_versions": PROXY_VERSIONS[cfg.proxy_protocol],
        "is_proxy": TrustedPeers(cfg.proxy_allow_ips).trusts,
        "forwarded": forwarded,
        "trusted": trusted,
    }
