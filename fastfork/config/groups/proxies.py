"""Settings about the proxies in front.

Runs in: cli
"""

from __future__ import annotations

from dataclasses import dataclass

from ..logkinds import NETWORKS
from ..proxykinds import PROXY_PROTOCOL
from ..spec import setting

__all__ = ["ProxySettings"]


@dataclass(frozen=True, kw_only=True)
class ProxySettings:
    """Proxies."""

    proxy_protocol: str = setting(
        "off",
        PROXY_PROTOCOL,
        "Connections begin with the PROXY protocol: off, v1, v2 or auto (either).",
        flags="--proxy-protocol",
        reload="workers",
        more="When it is on, each connection must begin with a header of that version and come "
        "from a peer in `proxy_allow_ips`; there is no guessing, so nobody can leave it out. The "
        "client's address and port become REMOTE_ADDR and REMOTE_PORT of every request of the "
        "connection; PROXY_PROTOCOL, PROXY_ADDR, PROXY_PORT and `fastfork.proxy_tlvs` are in the "
        "environ too. The header must be complete within `header_timeout`. The option without a "
        "value means `auto`, as in gunicorn.",
    )
    proxy_allow_ips: tuple[str, ...] = setting(
        ("127.0.0.1", "::1"),
        NETWORKS,
        "Peers that may send a PROXY protocol header: addresses and networks, or * for all.",
        flags="--proxy-allow-from",
        reload="workers",
        more="Anybody else gets 403 when `proxy_protocol` is on. A Unix socket is trusted.",
    )

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
