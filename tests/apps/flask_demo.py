"""A Flask application for the server tests; `app`, and `checked` behind the validator.

Runs in: worker
"""

from __future__ import annotations

import content
from flask import Flask, Response, jsonify, request

flask = Flask(__name__)


@flask.get("/hello")
def hello() -> Response:
    return jsonify(hello=request.args.get("name", "world"))


@flask.post("/form")
def form() -> Response:
    return jsonify(request.form.to_dict(flat=False))


@flask.post("/json")
def json() -> Response:
    return jsonify(request.get_json())


@flask.post("/upload")
def upload() -> Response:
    file = request.files["file"]
    return jsonify(content.describe(file.filename, file.read()))


@flask.get("/stream")
def stream() -> Response:
    return Response(content.stream(), content_type="text/plain")


@flask.get("/large")
def large() -> Response:
    return Response(content.LARGE, content_type="application/octet-stream")


@flask.get("/cookies/set")
def set_cookies() -> Response:
    response = Response("set")
    response.set_cookie("first", "one")
    response.set_cookie("second", "two words")
    return response


@flask.get("/cookies")
def cookies() -> Response:
    return jsonify(dict(request.cookies))


@flask.get("/boom")
def boom() -> Response:
    raise content.OnPurposeError("boom on purpose")


app = flask
checked = content.checked(flask)
