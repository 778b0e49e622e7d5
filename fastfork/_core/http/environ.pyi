from collections.abc import Callable

from fastfork._core.http.blocks import FieldBlocks

class EnvironBuilder:
    blocks: FieldBlocks
    def __init__(
        self,
        *,
        on_dropped: Callable[[str], object],
        maps_underscores: bool = False,
        casefolds: bool = False,
        watched: frozenset[str] | None = None,
        forwarders: frozenset[str] | None = None,
        refuses: bool = False,
    ) -> None: ...
    def forget_values(self) -> None: ...
