from collections.abc import Callable
from typing import Any

from fastfork._core.hub import Hub
from fastfork._core.wsgi import WsgiGateway

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
