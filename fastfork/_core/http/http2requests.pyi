from typing import Any

from fastfork._core.http.http2 import Http2Session

class Http2Site:
    def __init__(self, *args: Any) -> None: ...

class Http2Requests(Http2Session): ...
