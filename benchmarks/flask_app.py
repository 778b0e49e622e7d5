"""Flask's hello, as its quick start has it.

Runs in: both
"""

from __future__ import annotations

from flask import Flask, Response

app = Flask(__name__)


@app.get("/")
def hello() -> Response:
    """The same answer as `benchmarks.apps:hello`."""
    return Response("Hello, World!", mimetype="text/plain")
