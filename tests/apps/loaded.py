"""Tells which modules its worker has.  Imports nothing itself but `sys`, which is always there."""

import sys


def app(environ, start_response):
    """The names, a line each."""
    body = "\n".join(sorted(sys.modules)).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
