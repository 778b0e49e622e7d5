from fastfork._core.apps.gateway import Gateway
from fastfork._core.conn.connection import Connection
from fastfork._core.http.answer import Answerer
from fastfork._core.loop.crew import Crew

class Answering:
    static: Answerer | None
    gateway: Gateway
    crew: Crew
    @property
    def asked_ns(self) -> int: ...
    def connection_of_call(self) -> Connection | None: ...
    def leaves(self) -> bool: ...
