"""Peers whose word is taken: the addresses and networks of `forwarded_allow_ips`.

Runs in: worker
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

__all__ = ["TrustedPeers"]

EVERYBODY = "*"

# Verdicts remembered: a proxy is asked about with every request.
REMEMBERED = 1024


class TrustedPeers:
    """networks: addresses, networks in CIDR notation (RFC 4632), or `*` for everybody.

    Raises ValueError for anything else.
    """

    def __init__(self, networks: Iterable[str]) -> None:
        words = list(networks)
        self._everybody = EVERYBODY in words
        self._networks = [ipaddress.ip_network(word) for word in words if word != EVERYBODY]
        self._known: dict[str, bool] = {}

    def trusts(self, peer: str) -> bool:
        """Whether the peer with this address is trusted; '', a peer on a Unix socket, is.

        An IPv4 address that came in on an IPv6 socket (`::ffff:192.0.2.1`) counts as IPv4.
        """
        if not peer or self._everybody:
            return True
        verdict = self._known.get(peer)
        if verdict is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            verdict = self._known[peer] = self._look(peer)
        return verdict

    def _look(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)
