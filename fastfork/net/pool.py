"""The pool: where a worker that is busy puts a connection for another one.

A pair of Unix sockets that the arbiter makes and every worker inherits.  What is in it when a
worker dies stays there for the others.  See csrc/net/fd_passing.h for what goes through it.

Runs in: both
"""

from __future__ import annotations

import socket

from fastfork import forks, port

__all__ = ["Pool", "key_of"]


class Pool:
    """into, out: the ends, non-blocking.  Each message is one connection."""

    def __init__(self) -> None:
        # Whole messages, as many as fit into the buffer of the socket (unix(7)).
        self.out, self.into = port.message_pair()
        self.out.setblocking(False)
        self.into.setblocking(False)
        forks.hold(self)

    def close(self) -> None:
        """Close both ends in this process."""
        self.out.close()
        self.into.close()

    let_go = close  # in a child that is not ours


def key_of(sock: socket.socket) -> int:
    """Return a 64-bit number for a listening socket: the same in each process that listens there.

    FNV-1a.  A digest of hashlib's would have libcrypto loaded in every process.
    """
    key = 0xCBF29CE484222325
    for byte in repr(sock.getsockname()).encode():
        key = ((key ^ byte) * 0x100000001B3) % 2**64
    return key
