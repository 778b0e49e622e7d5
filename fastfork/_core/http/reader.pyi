from collections.abc import Callable
from typing import Any

from fastfork._core.http.parsers import HeadParser

class Chunks: ...

class RequestReader:
    def __init__(
        self,
        parser: HeadParser,
        *,
        make_head: Callable[..., Any],
        make_part: Callable[[bytes], Any],
        end_event: Any,
        error_class: Callable[..., Exception],
    ) -> None: ...
    @property
    def in_request(self) -> bool: ...
    def feed(self, data: bytes) -> list[Any]: ...
