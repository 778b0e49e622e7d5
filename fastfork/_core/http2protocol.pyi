from fastfork._core.http2receiver import Http2Limits
from fastfork._core.hub import Hub
from fastfork._core.protocol import Protocol

class Http2(Protocol):
    def __init__(self, hub: Hub, limits: Http2Limits, in_clear: bool = False) -> None: ...

class Http2Streams(Protocol): ...
