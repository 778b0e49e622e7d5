"""A python-socketio server with a room, and nothing behind it.

Runs in: worker
"""

from __future__ import annotations

from typing import Any

import socketio

server = socketio.AsyncServer(async_mode="asgi", ping_interval=1, ping_timeout=2)
app = socketio.ASGIApp(server)


@server.event
async def enter(sid: str, room: str) -> str:
    await server.enter_room(sid, room)
    return f"you are in {room}"


@server.event
async def say(sid: str, data: Any) -> None:
    await server.emit("said", data["text"], room=data["room"])


@server.event
async def echo(sid: str, data: Any) -> Any:
    return data
