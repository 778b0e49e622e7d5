from collections.abc import Callable

class EnvironBuilder:
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
