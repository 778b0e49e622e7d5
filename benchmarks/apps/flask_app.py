"""Flask's hello, as its quick start has it, and JSON.

Runs in: both
"""

from __future__ import annotations

from flask import Flask, Response, jsonify

app = Flask(__name__)


@app.get("/")
def hello() -> Response:
    """The same answer as `benchmarks.apps.plain:hello`."""
    return Response("Hello, World!", mimetype="text/plain")


@app.get("/json")
def item() -> Response:
    """`benchmarks.apps.plain.JSON`."""
    return jsonify(id=17, name="kettle", price=24.9, tags=["kitchen", "new"])
