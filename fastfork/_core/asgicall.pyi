from collections.abc import Callable
from typing import Any

from fastfork._core.asgisend import AsgiSender
from fastfork._core.hub import Hub

class TaskBoard:
    def __init__(
        self,
        hub: Hub,
        make_future: Callable[[], Any],
        call_turn: Callable[[], object] | None = None,
    ) -> None: ...

class AsgiCall(AsgiSender):
    @property
    def environ(self) -> dict[str, Any]: ...
    @property
    def coroutine(self) -> Any: ...
    @property
    def number(self) -> int: ...
    def cancel(self, number: int) -> None: ...
