"""Answers from a thread of anyio's, as a handler does that is no coroutine."""

from __future__ import annotations

import threading
from typing import Any

import anyio.to_thread


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Tells the thread that it was called in."""
    if scope["type"] != "http":
        raise ValueError(scope["type"])
    ident = await anyio.to_thread.run_sync(threading.get_native_id)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(ident).encode()})
