"""Peers whose word is taken: the addresses and networks of `forwarded_allow_ips`.

Runs in: worker
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["TrustedPeers"]

EVERYBODY = "*"

# Verdicts remembered: a proxy is asked about with every request.
REMEMBERED = 1024


class TrustedPeers:
    """networks: addresses, networks in CIDR notation (RFC 4632), or `*` for everybody.

    Raises ValueError for anything else.
    """

    def __init__(self, networks: Iterable[str]) -> None:
        self._words = tuple(networks)
        self._everybody = EVERYBODY in self._words
        self._networks: list[Any] | None = None  # made of the words when they are needed
        self._known: dict[str, bool] = {}
        if not all(map(_is_plain, self._words)):
            self._read()  # raises now

    def _read(self) -> list[Any]:
        import ipaddress  # here, as below: most proxies speak from an address that is listed

        return [ipaddress.ip_network(word) for word in self._words if word != EVERYBODY]

    def trusts(self, peer: str) -> bool:
        """Return whether the peer with this address is trusted; '', a peer on a Unix socket, is.

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
        if peer in self._words:
            return True
        import ipaddress

        try:
            address = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if self._networks is None:
            self._networks = self._read()
        return any(address in network for network in self._networks)


def _is_plain(word: str) -> bool:
    """Return whether it is one of the words that are there without being set."""
    return word in (EVERYBODY, "127.0.0.1", "::1")
