from collections.abc import Callable

from fastfork._core.crew import Crew
from fastfork._core.exchange import Site

class Connections:
    site: Site
    crew: Crew
    now: int
    connections: int
    tells: bool
    @property
    def requests(self) -> int: ...
    @property
    def has_done(self) -> bool: ...
    def add_reader(self, fd: int, call: Callable[[], object]) -> None: ...
    def leaves(self) -> bool: ...
    def close_all(self) -> None: ...
