"""TLS for clients that never wait: a handshake is gone on with whenever there is news.

Runs in: cli
"""

from __future__ import annotations

import socket
import ssl
from typing import Final

# What a call raises that cannot go on now.
NOT_NOW: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def client_context() -> ssl.SSLContext:
    """Takes any certificate: the one of a run was made for it a moment ago."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def begin(sock: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A connected, non-blocking socket that now speaks TLS; call its do_handshake() until it
    raises none of NOT_NOW."""
    return context.wrap_socket(sock, do_handshake_on_connect=False, suppress_ragged_eofs=True)
