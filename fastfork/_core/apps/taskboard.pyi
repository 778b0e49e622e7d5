from collections.abc import Callable
from typing import Any

from fastfork._core.loop.hub import Hub

class TaskBoard:
    def __init__(
        self,
        hub: Hub,
        make_future: Callable[[], Any],
        call_turn: Callable[[], object] | None = None,
        on_lost: Callable[[Any], object] | None = None,
    ) -> None: ...
