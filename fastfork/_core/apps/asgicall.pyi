from typing import Any

from fastfork._core.apps.asgisend import AsgiSender

class AsgiCall(AsgiSender):
    @property
    def environ(self) -> dict[str, Any]: ...
    @property
    def coroutine(self) -> Any: ...
    @property
    def number(self) -> int: ...
