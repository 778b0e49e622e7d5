from collections.abc import Callable
from selectors import SelectorKey

from fastfork._core.loop.looplag import LoopLag

class LoopTick:
    def __init__(
        self,
        poll: Callable[[float], list[tuple[int, int]]],
        keys: dict[int, SelectorKey],
        to_ready: Callable[[SelectorKey, int], tuple[SelectorKey, int]],
    ) -> None: ...
    def serve(
        self,
        turn: Callable[[list[tuple[int, int]]], float],
        asked: Callable[[], bool],
        lag: LoopLag,
    ) -> None: ...
    def rest(self) -> None: ...
    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]: ...
