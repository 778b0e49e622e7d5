def check_handshake(
    is_get: bool,
    minor: int,
    upgrade: str | None,
    connection: str | None,
    version: str | None,
    key: str | None,
) -> int: ...
def accept_key(key: str) -> bytes: ...
def subprotocols(value: str | None) -> list[str]: ...
