"""A listening socket that takes no new connection, and still gives out those that wait in it.

close(2) alone resets everybody in the accept queue, also those who come between the last
accept(2) and the close.  Here the order is: no new ones, serve the queue, close.

Runs in: arbiter
"""

from __future__ import annotations

import array
import socket
import struct
from contextlib import suppress
from typing import Final

from fastfork import port

_TCP_FLAGS_AT: Final = 13  # RFC 9293 section 3.1; a filter of a TCP socket sees the TCP header
_SYN, _ACK = 0x02, 0x10

# Classic BPF (bpf(4), linux/filter.h): drop a segment that has SYN and no ACK, let the others
# pass, which includes the last one of a handshake that has begun.
_FILTER: Final = b"".join(
    struct.pack("=HBBI", *instruction)
    for instruction in (
        (0x30, 0, 0, _TCP_FLAGS_AT),  # load the byte
        (0x54, 0, 0, _SYN | _ACK),  # keep two of its bits
        (0x15, 0, 1, _SYN),  # is it a first SYN?
        (0x06, 0, 0, 0),  # drop
        (0x06, 0, 0, 0xFFFFFFFF),  # let all of it pass
    )
)


def stop_accepting(sock: socket.socket) -> None:
    """Let no new connection in, in whatever process listens on this socket.

    A TCP client whose SYN is dropped asks again after a second, and then finds what is there:
    the next server, or a refusal.  A unix client is refused at once.  Where there is no such
    filter (it is Linux's) nothing happens, and close(2) does what it does.
    """
    with suppress(OSError):
        if sock.family == socket.AF_UNIX:
            # unix(7): connect() is refused from now on, accept() gives out what waits.
            sock.shutdown(socket.SHUT_RD)
        elif port.ACCEPT_FILTER is not None:
            program = array.array("B", _FILTER)
            where, size = program.buffer_info()
            fprog = struct.pack("HP", size // 8, where)
            sock.setsockopt(socket.SOL_SOCKET, port.ACCEPT_FILTER, fprog)
