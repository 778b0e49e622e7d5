import ssl
from collections.abc import Callable
from typing import Any

from fastfork._core.http.protocol import Protocol

class Tls(Protocol):
    def secure(
        self,
        context: ssl.SSLContext,
        *,
        facts_of: Callable[[ssl.SSLObject], dict[str, Any]],
        at_once: bool = False,
        tells_ragged: bool = False,
    ) -> None: ...
