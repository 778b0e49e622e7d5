from fastfork._core.http.writer import ResponseWriter

class AsgiSender(ResponseWriter):
    more_fields: list[tuple[bytes, bytes]] | None
