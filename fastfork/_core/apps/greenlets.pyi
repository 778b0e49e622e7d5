from collections.abc import Callable
from typing import Any

from fastfork._core.apps.wsgi import WsgiGateway
from fastfork._core.loop.hub import Hub

class GreenletGateway(WsgiGateway):
    def attach(
        self,
        hub: Hub,
        *,
        make_greenlet: Callable[[Callable[[], bool]], Any],
        to_loop: Callable[[], object],
        call_turn: Callable[[], object],
    ) -> None: ...
    def soon(self) -> None: ...
    def running(self, to_answer: bool = False) -> list[tuple[Any, int, str]]: ...
    def end(self) -> list[Any]: ...
