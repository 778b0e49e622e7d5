"""Flask-Sock and Flask-SocketIO, as their pages show them.

/ws sends back what comes, in capitals; `leave` ends the function, `raise` makes it fail.  By
Socket.IO the event `shout` is answered with `heard`, in capitals, by way of a room.

SOCKETS in the environment: the mode of Socket.IO, `threading` or `gevent`.

Runs in: worker
"""

from __future__ import annotations

import os
from typing import Any

from flask import Flask, request
from flask_sock import Sock
from flask_socketio import SocketIO, emit, join_room

app = Flask(__name__)
sock = Sock(app)
socketio = SocketIO(app, async_mode=os.environ.get("SOCKETS", "threading"))


@app.get("/")
def index() -> str:
    return str(os.getpid())


@sock.route("/ws")
def shout(ws: Any) -> None:
    while (words := ws.receive()) != "leave":
        if words == "raise":
            raise LookupError("raised in a conversation")
        ws.send(words.upper())


@socketio.on("shout")
def on_shout(words: str) -> None:
    room = getattr(request, "sid", "")
    join_room(f"room of {room}")
    emit("heard", f"{words.upper()} {os.getpid()}", to=f"room of {room}")
