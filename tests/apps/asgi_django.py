"""A Django application with async views, and Channels for its WebSockets.

Runs in: worker
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"],
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
    DATA_UPLOAD_MAX_MEMORY_SIZE=None,
    LOGGING_CONFIG=None,
    ROOT_URLCONF=__name__,
    SECRET_KEY="of no use to anybody",
)

import django  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402

django.setup()


async def hello(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"hello": request.GET.get("name", "world")})


def plain(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"hello": "from a thread"})


async def echo_json(request: HttpRequest) -> JsonResponse:
    return JsonResponse(json.loads(request.body))


async def upload(request: HttpRequest) -> JsonResponse:
    data = request.body
    return JsonResponse({"size": len(data), "sha256": hashlib.sha256(data).hexdigest()})


async def stream(_request: HttpRequest) -> StreamingHttpResponse:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(50):
            await asyncio.sleep(0)
            yield f"piece {number}\n".encode()

    return StreamingHttpResponse(pieces())


left: list[str] = []


async def waiting(_request: HttpRequest) -> HttpResponse:
    """Django cancels the view of a client that leaves."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        left.append("waiting")
        raise
    return HttpResponse()


async def facts(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"left": left})


async def boom(_request: HttpRequest) -> None:
    raise RuntimeError("boom on purpose")


class Echo(AsyncWebsocketConsumer):  # type: ignore[misc]
    async def connect(self) -> None:
        await self.channel_layer.group_add("all", self.channel_name)
        await self.accept()

    async def receive(self, text_data: Any = None, bytes_data: Any = None) -> None:
        if text_data == "to all":
            await self.channel_layer.group_send("all", {"type": "tell", "text": "to all"})
        else:
            await self.send(text_data=text_data, bytes_data=bytes_data)

    async def tell(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])

    async def disconnect(self, code: int) -> None:
        left.append(f"socket {code}")
        await self.channel_layer.group_discard("all", self.channel_name)


urlpatterns = [
    path("hello", hello),
    path("plain", plain),
    path("json", echo_json),
    path("upload", upload),
    path("stream", stream),
    path("waiting", waiting),
    path("facts", facts),
    path("boom", boom),
]
app = ProtocolTypeRouter(
    {"http": get_asgi_application(), "websocket": URLRouter([path("ws", Echo.as_asgi())])}
)
