from collections.abc import Callable

from fastfork._core.crew import Crew
from fastfork._core.gateway import Gateway
from fastfork._core.site import Site

class Connections:
    site: Site
    crew: Crew
    gateway: Gateway
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
    def let_go_of_all(self) -> None: ...
