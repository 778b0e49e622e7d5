from fastfork._core.http.carrier import Carrier
from fastfork._core.http.http2stream import Http2Stream

VERSION: str

class Http2Limits:
    def __init__(
        self,
        *,
        max_streams: int = ...,
        window: int = ...,
        connection_window: int = ...,
        frame_size: int = ...,
        header_list: int = ...,
        websockets: bool = ...,
    ) -> None: ...
    @property
    def max_streams(self) -> int: ...
    @property
    def window(self) -> int: ...
    @property
    def connection_window(self) -> int: ...
    @property
    def frame_size(self) -> int: ...
    @property
    def header_list(self) -> int: ...
    @property
    def websockets(self) -> bool: ...

class Http2Receiver(Carrier):
    @property
    def streams(self) -> dict[int, Http2Stream]: ...
    @property
    def opened(self) -> int: ...
    @property
    def resets(self) -> int: ...
    @property
    def resets_sent(self) -> int: ...
    @property
    def goaways(self) -> int: ...
