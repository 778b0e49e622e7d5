from fastfork._core.connection import Connection
from fastfork._core.receiver import Receiver

class Answering(Receiver):
    @property
    def asked_ns(self) -> int: ...
    def connection_of_call(self) -> Connection | None: ...
