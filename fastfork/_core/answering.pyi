from fastfork._core.answer import Answerer
from fastfork._core.connection import Connection
from fastfork._core.crew import Crew
from fastfork._core.gateway import Gateway

class Answering:
    static: Answerer | None
    gateway: Gateway
    crew: Crew
    @property
    def asked_ns(self) -> int: ...
    def connection_of_call(self) -> Connection | None: ...
    def leaves(self) -> bool: ...
