from fastfork._core.connection import Connection
from fastfork._core.receiver import Receiver

class Caller(Receiver):
    def connection_of_call(self) -> Connection | None: ...
