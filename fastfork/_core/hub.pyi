from collections.abc import Callable
from typing import Any
from wsgiref.types import WSGIApplication

from fastfork._core.answer import Answerer
from fastfork._core.batch import Batch
from fastfork._core.caller import Caller
from fastfork._core.crew import Seat
from fastfork._core.deadlines import Deadlines
from fastfork._core.environ import EnvironBuilder
from fastfork._core.exchange import Site
from fastfork._core.parsers import HeadParser

class Hub(Caller):
    most_requests: int
    attention: bool
    static: Answerer | None
    @property
    def asked_ns(self) -> int: ...
    def __init__(
        self,
        app: WSGIApplication,
        *,
        site: Site,
        batch: Batch,
        parser: HeadParser,
        environs: EnvironBuilder,
        trusted: EnvironBuilder | None = None,
        forwarded: Any = None,
        deadlines: Deadlines,
        poller: Any,
        write_access: Callable[[list[str]], None],
        most_connections: int,
        accepts: int,
        spool_after: int,
        spool_dir: str | None,
        body_min_rate: int = 0,
        body_grace: float = 10.0,
        most_requests: int = 0,
        queue_timeout: float = 0,
        proxy_versions: int = 0,
        is_proxy: Callable[[str], bool] | None = None,
    ) -> None: ...
    def rest(self) -> None: ...
    def look_up_in(self, seconds: float) -> None: ...
    def turn(self, events: list[tuple[int, int]], seat: Seat | None = None) -> float: ...
    def flush_access_log(self) -> None: ...
