class HeadParser:
    max_body: int
    def __init__(
        self,
        *,
        line: int,
        fields: int,
        field_size: int,
        head: int,
        max_body: int,
        options: int = 0,
    ) -> None: ...

class HttptoolsParser(HeadParser): ...
class Lens: ...

class Witness:
    def on_headers_complete(self) -> None: ...
    def on_message_complete(self) -> None: ...
