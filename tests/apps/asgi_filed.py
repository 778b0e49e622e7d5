"""An ASGI application that sends the file FILE by the extension that the path names.

Runs in: worker
"""

from __future__ import annotations

import os
from typing import Any

PATH = os.environ["FILE"]


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    kind = scope["path"].strip("/")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if kind == "pathsend":
        await send({"type": "http.response.pathsend", "path": PATH})
        return
    with open(PATH, "rb") as file:
        await send({"type": "http.response.zerocopysend", "file": file, "more_body": True})
        await send({"type": "http.response.zerocopysend", "file": file, "offset": 0})
