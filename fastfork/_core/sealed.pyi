import ssl

from fastfork._core.outbox import Outbox

class Sealed:
    def __init__(self, context: ssl.SSLContext) -> None: ...

class SealedOutbox(Outbox):
    def __init__(self, sealed: Sealed) -> None: ...
