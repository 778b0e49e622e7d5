"""The WSGI applications without a framework that every server runs.

They import nothing, so that memory figures are the server's.  Each gives its length
itself, as several servers fall back to slow paths without Content-Length.

Runs in: both
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

HELLO = b"Hello, World!"
JSON = b'{"id":17,"name":"kettle","price":24.9,"tags":["kitchen","new"]}\n'

_PLAIN = ("Content-Type", "text/plain")
_HELLO_FIELDS = [_PLAIN, ("Content-Length", str(len(HELLO)))]


def hello(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Thirteen constant bytes: what is left is the server."""
    start_response("200 OK", _HELLO_FIELDS)
    return [HELLO]


def echo(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The request's body, read in one call."""
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    start_response("200 OK", [_PLAIN, ("Content-Length", str(len(body)))])
    return [body]
