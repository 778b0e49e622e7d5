class Deadlines:
    def __init__(
        self,
        *,
        first_byte: float,
        next_request: float,
        whole_head: float,
        more_body: float,
        reader: float,
        linger: float,
        brief_linger: float = 0.5,
        hangup: float = 0.05,
        queued: float = 0,
        shake: float = 10.0,
        ping: float = 0,
        pong: float = 0,
        closing: float = 2.0,
    ) -> None: ...
