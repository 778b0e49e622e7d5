"""An application that takes the socket of a request and speaks on it, as WebSocket libraries do.

/detach: by `fastfork.socket`, /gunicorn: by `gunicorn.socket`.  What comes is sent back in
capitals, and `bye` is answered with `goodbye`; then the call ends.  /slow takes a second.
Anything else is answered with the process id.

Runs in: worker
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any


def converse(sock: Any) -> None:
    """Answer what comes until it is `bye`, or the client has left."""
    sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: capitals\r\n\r\n")
    while data := sock.recv(4096):
        if data.endswith(b"bye"):
            sock.sendall(b"goodbye")
            return
        sock.sendall(data.upper())


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/detach":
        with environ["fastfork.socket"].detach() as sock:
            sock.setblocking(True)
            converse(sock)
        return []
    if environ["PATH_INFO"] == "/gunicorn":
        converse(environ["gunicorn.socket"])
        raise StopIteration
    if environ["PATH_INFO"] == "/slow":
        time.sleep(1)
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
