import ssl
from collections.abc import Callable
from typing import Any

from fastfork._core.apps.gateway import Gateway
from fastfork._core.conn.batch import Batch
from fastfork._core.conn.connections import Connections
from fastfork._core.conn.deadlines import Deadlines
from fastfork._core.conn.listeners import Listeners
from fastfork._core.conn.neighbours import Neighbours
from fastfork._core.conn.pool import Pool
from fastfork._core.http.answering import Answering
from fastfork._core.http.environ import EnvironBuilder
from fastfork._core.http.parsers import HeadParser
from fastfork._core.http.site import Site
from fastfork._core.loop.crew import Crew, Seat

class Hub:
    site: Site
    crew: Crew
    connections: Connections
    answering: Answering
    listeners: Listeners
    neighbours: Neighbours
    pool: Pool
    most_requests: int
    attention: bool
    def __init__(
        self,
        gateway: Gateway,
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
    def secure(
        self,
        context: ssl.SSLContext,
        *,
        facts_of: Callable[[ssl.SSLObject], dict[str, Any]],
        at_once: bool = False,
        tells_ragged: bool = False,
    ) -> None: ...
    @property
    def has_done(self) -> bool: ...
    def rest(self) -> None: ...
    def look_up_in(self, seconds: float) -> None: ...
    def turn(self, events: list[tuple[int, int]], seat: Seat | None = None) -> float: ...
    def flush_access_log(self) -> None: ...
