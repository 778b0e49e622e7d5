from fastfork._core.http.http2receiver import Http2Limits
from fastfork._core.http.protocol import Protocol
from fastfork._core.loop.hub import Hub

class Http2(Protocol):
    def __init__(self, hub: Hub, limits: Http2Limits, in_clear: bool = False) -> None: ...

class Http2Streams(Protocol): ...
