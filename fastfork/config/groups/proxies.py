"""Settings about the proxies in front.

Runs in: cli
"""

from __future__ import annotations

from dataclasses import dataclass

from ..logkinds import NETWORKS
from ..spec import setting

__all__ = ["ProxySettings"]


@dataclass(frozen=True, kw_only=True)
class ProxySettings:
    """Proxies."""

    forwarded_allow_ips: tuple[str, ...] = setting(
        ("127.0.0.1", "::1"),
        NETWORKS,
        "Peers whose word is taken: addresses and networks, or * for all.",
        flags="--forwarded-allow-ips",
        env="FORWARDED_ALLOW_IPS",
        reload="workers",
        more="In this version their word is the `X-Request-Id` of `request_id`. Peers on a Unix "
        "socket are always trusted.",
    )
