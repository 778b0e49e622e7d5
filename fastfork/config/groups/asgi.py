"""Settings of the ASGI worker.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from fastfork.records import record

from ..kinds.basic import DURATION, FLAG, OPTIONAL_DURATION, SIZE, TEXT, choice, integer
from ..kinds.spec import setting

__all__ = ["AsgiSettings"]


@record(frozen=True, kw_only=True)
class AsgiSettings:
    """ASGI applications."""

    asgi_loop: str = setting(
        "auto",
        choice("auto", "asyncio", "uvloop"),
        "Event loop of the ASGI worker: auto, asyncio or uvloop.",
        flags="--asgi-loop",
        reload="workers",
        more="`auto` is asyncio, which here waits with the worker's own poller. `uvloop` needs "
        "`pip install uvloop`; it helps an application that does much network traffic of its own.",
    )
    asgi_lifespan: str = setting(
        "auto",
        choice("auto", "on", "off"),
        "Lifespan events for the ASGI application: auto, on or off.",
        flags="--asgi-lifespan",
        reload="workers",
        more="The application is told of the start before the worker takes a request, and of the "
        "end after the last one. `auto` goes on without when the application does not know the "
        "protocol; with `on` that is an error. When it answers that its startup failed, a first "
        "start ends with exit code 3, and after a reload the old workers serve on.",
    )
    asgi_disconnect_grace_period: float | None = setting(
        None,
        OPTIONAL_DURATION,
        "Cancel the task of an ASGI request so long after its client has left (0 = never).",
        flags="--asgi-disconnect-grace-period",
        reload="workers",
        more="Nothing is cancelled where it is left out: `receive()` says at once that the client "
        "has left, and `send()` raises. gunicorn's default is 3 seconds.",
    )
    websocket_max_message_size: int = setting(
        16 << 20,
        SIZE,
        "Largest message of a WebSocket, in bytes; a larger one closes it with 1009.",
        flags="--websocket-max-message-size",
        reload="workers",
        more="Counted as it is after decompression, which stops at this size.",
    )
    ws_ping_interval: float = setting(
        20.0,
        DURATION,
        "Send a ping on each WebSocket so often (0 = never).",
        flags="--ws-ping-interval",
        reload="workers",
        more="Counted from the last ping's answer. It keeps proxies from cutting an idle "
        "connection, and finds clients that are gone.",
    )
    ws_ping_timeout: float = setting(
        20.0,
        DURATION,
        "Take the client of a WebSocket for gone when a ping is not answered for this long.",
        flags="--ws-ping-timeout",
        reload="workers",
    )
    ws_max_queue: int = setting(
        32,
        integer(1, 65_536),
        "Messages of a WebSocket that the application has not taken, before no more is read.",
        flags="--ws-max-queue",
        reload="workers",
        more="Nor are more than 1 MiB of them kept.",
    )
    ws_per_message_deflate: bool = setting(
        True,
        FLAG,
        "Compress messages of WebSockets where the client offers it (RFC 7692).",
        flags="--ws-per-message-deflate",
        reload="workers",
        more="Messages below 1 KiB are sent as they are. A window has 4 KiB.",
    )
    root_path: str | None = setting(
        None,
        TEXT,
        "Path below which the ASGI application is mounted: `root_path` of each scope.",
        flags="--root-path",
        reload="workers",
        more="For a proxy that takes this prefix off the path before it passes the request on. "
        "Left out, it is SCRIPT_NAME of the environment, as with WSGI.",
    )
