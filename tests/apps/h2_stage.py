"""What the cases of tests/http2 ask, as a WSGI and as an ASGI application.

Runs in: cli
"""

import asyncio
import json
import time

PLAIN = [("Content-Type", "text/plain")]


def body_of(path, body):
    """The answer to `path`, whose request had this body."""
    if path.startswith("/large/"):
        return b"x" * int(path.removeprefix("/large/"))
    return body


def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path.startswith("/sleep/"):
        time.sleep(float(path.removeprefix("/sleep/")))
        return answered(start_response, b"slept")
    if path == "/environ":
        told = {key: value for key, value in environ.items() if isinstance(value, str | bool | int)}
        return answered(start_response, json.dumps(told).encode())
    if path == "/stream":
        start_response("200 OK", PLAIN)
        return (b"part %d\n" % number for number in range(5))
    if path == "/cut":
        start_response("200 OK", PLAIN)
        return cut()
    if path == "/hints":
        environ["wsgi.early_hints"]([("Link", "</a.css>; rel=preload")])
    if path == "/none":
        start_response("204 No Content", [])
        return []
    if path == "/write":
        write = start_response("200 OK", PLAIN)
        for _ in range(40):
            write(bytes(100_000))
        return []
    return answered(start_response, body_of(path, environ["wsgi.input"].read()))


def answered(start_response, body):
    start_response("200 OK", [*PLAIN, ("Content-Length", str(len(body)))])
    return [body]


def cut():
    yield b"some"
    raise ValueError("planned: the body is cut")


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        await answer_lifespan(receive, send)
        return
    path, body = scope["path"], b""
    if path.startswith("/sleep/"):
        await asyncio.sleep(float(path.removeprefix("/sleep/")))
        body = b"slept"
    elif path == "/scope":
        told = {key: scope[key] for key in ("http_version", "scheme", "method", "path")}
        told["headers"] = [[one.decode("latin-1") for one in pair] for pair in scope["headers"]]
        body = json.dumps(told).encode()
    else:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            more = message.get("more_body", False)
    fields = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    if path == "/cut":
        await send({"type": "http.response.body", "body": b"some", "more_body": True})
        raise ValueError("planned: the body is cut")
    if path == "/stream":
        for number in range(5):
            part = {"type": "http.response.body", "body": b"part %d\n" % number, "more_body": True}
            await send(part)
            await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": body_of(path, body)})


async def answer_lifespan(receive, send):
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
