from fastfork._core.answer import Answerer
from fastfork._core.connection import Connection
from fastfork._core.receiver import Receiver

class Answering(Receiver):
    static: Answerer | None
    @property
    def asked_ns(self) -> int: ...
    def connection_of_call(self) -> Connection | None: ...
