"""A Bottle application for the server tests; its exceptions reach the server.

Runs in: worker
"""

from __future__ import annotations

from collections.abc import Iterator

import bottle
import content

app = bottle.Bottle(catchall=False)


@app.get("/hello")
def hello() -> dict[str, str]:
    return {"hello": bottle.request.query.getunicode("name", "world")}


@app.post("/form")
def form() -> dict[str, list[str]]:
    forms = bottle.request.forms.decode("utf-8")
    return {name: forms.getall(name) for name in forms}


@app.post("/json")
def json() -> object:
    return bottle.request.json


@app.post("/upload")
def upload() -> dict[str, object]:
    file = bottle.request.files["file"]
    return content.describe(file.raw_filename, file.file.read())


@app.get("/stream")
def stream() -> Iterator[bytes]:
    bottle.response.content_type = "text/plain"
    return content.stream()


@app.get("/large")
def large() -> bytes:
    bottle.response.content_type = "application/octet-stream"
    return content.LARGE


@app.get("/cookies/set")
def set_cookies() -> str:
    bottle.response.set_cookie("first", "one")
    bottle.response.set_cookie("second", "two words")
    return "set"


@app.get("/cookies")
def cookies() -> dict[str, str]:
    return dict(bottle.request.cookies)


@app.get("/boom")
def boom() -> None:
    raise content.OnPurposeError("boom on purpose")


checked = content.checked(app)
