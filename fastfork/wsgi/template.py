"""The part of the WSGI environ that all requests of a listener have in common (PEP 3333).

Runs in: worker
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable
from typing import Any
from wsgiref.util import FileWrapper

import fastfork

BLOCK = 64 * 1024  # bytes, large enough to be cheap

# Set for every request; here so that setting them never makes the dict grow.
PLACEHOLDERS = (
    "REQUEST_METHOD",
    "PATH_INFO",
    "RAW_URI",
    "wsgi.early_hints",
    "fastfork.socket",
    "REMOTE_ADDR",
)


def environ_template(
    listener: socket.socket,
    *,
    empty_input: object,
    file_wrapper: object,
    errors: object,
    multithread: bool,
    multiprocess: bool,
    gunicorn_socket: object,
    software: str = "",
    script: str = "",
    is_tls: bool = False,
) -> dict[str, Any]:
    """Return a template for requests that come in on `listener`.

    script: see mounted.py.

    The dict is made key by key, so that its table has grown room for some 20 fields before
    it is ever copied; dict.copy() keeps the room.
    """
    template: dict[str, Any] = {}
    name, port = server_name(listener, "443" if is_tls else "80")
    values: dict[str, Any] = {
        **dict.fromkeys(PLACEHOLDERS, ""),
        "QUERY_STRING": "",
        "SCRIPT_NAME": script,
        "SERVER_NAME": name,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": software or f"fastfork/{fastfork.__version__}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if is_tls else "http",
        "wsgi.input": empty_input,
        "wsgi.input_terminated": True,
        "wsgi.errors": errors,
        "wsgi.file_wrapper": file_wrapper,
        "wsgi.multithread": multithread,
        "wsgi.multiprocess": multiprocess,
        "wsgi.run_once": False,
        "gunicorn.socket": gunicorn_socket,
    }
    if listener.family in (socket.AF_INET, socket.AF_INET6):
        values["REMOTE_PORT"] = ""
    if is_tls:
        values["HTTPS"] = "on"
    for key, value in values.items():
        template[sys.intern(key)] = value
    return template


def read_in_blocks(file: Any, size: int = BLOCK) -> Iterable[bytes]:
    """Return a `wsgi.file_wrapper` without a descriptor: what is returned is read as an
    iterable."""
    return FileWrapper(file, max(size, BLOCK))


def server_name(listener: socket.socket, default: str) -> tuple[str, str]:
    """SERVER_NAME and SERVER_PORT; for a Unix socket until the Host field says better."""
    if listener.family in (socket.AF_INET, socket.AF_INET6):
        host, port = listener.getsockname()[:2]
        return host, str(port)
    return "localhost", default
