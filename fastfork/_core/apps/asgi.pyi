import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from fastfork._core.apps.asgicall import AsgiCall
from fastfork._core.apps.gateway import Gateway
from fastfork._core.http.site import Site
from fastfork._core.loop.hub import Hub

class AsgiGateway(Gateway):
    def __init__(
        self,
        app: Callable[..., Any],
        site: Site,
        *,
        root_path: str = "",
        state: dict[str, Any] | None = None,
    ) -> None: ...
    def attach(
        self,
        hub: Hub,
        *,
        make_future: Callable[[], asyncio.Future[None]],
        make_task: Callable[[Any], asyncio.Task[None]],
        servers: Iterable[tuple[str, int | None]],
        call_turn: Callable[[], object] | None = None,
        on_lost: Callable[[Any], object] | None = None,
        max_message: int = 16 << 20,
        max_queue: int = 32,
        deflates: bool = True,
        tls_of: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
        callbacks: deque[Any] | None = None,
    ) -> None: ...
    def asked(self) -> bool: ...
    def soon(self) -> None: ...
    def running(self, to_answer: bool = False) -> list[tuple[AsgiCall, int, str]]: ...
    def tasks(self) -> list[asyncio.Task[None]]: ...
    def tell_of_end(self) -> None: ...
    def websockets(self) -> int: ...
    def stop_websockets(self, count: int) -> None: ...
