from collections.abc import Callable
from typing import Any

from fastfork._core.listeners import Listeners

class Queued(Listeners):
    adopted: int
    def share_connections(
        self,
        pool_in: int,
        pool_out: int,
        keys: list[int],
        template_of: Callable[[int], dict[str, Any]],
    ) -> None: ...
    def take_pool(self) -> None: ...

class Pool:
    def __init__(self, hub: Queued) -> None: ...
    def __call__(self) -> None: ...
