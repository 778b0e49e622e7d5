"""The compiled objects of a worker, made from its settings.

Runs in: worker
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from fastfork._core.conn.deadlines import Deadlines
from fastfork._core.http.environ import EnvironBuilder
from fastfork._core.http.site import Site
from fastfork._core.loop.hub import Hub
from fastfork.http import Leniency, Limits, error_page, make_head_parser, resolve_parser
from fastfork.logs import LOGGER
from fastfork.net.taken import taken
from fastfork.records import fields
from fastfork.static.mounts import static_files
from fastfork.workers.proxies import in_front
from fastfork.wsgi.gunicorn_socket import GunicornSocket

if TYPE_CHECKING:
    from fastfork._core.apps.gateway import Gateway
    from fastfork._core.apps.static import StaticFiles
    from fastfork._core.conn.batch import Batch
    from fastfork._core.loop.crew import Crew
    from fastfork.config import Config
    from fastfork.workers.poller import Poller

LINGER_SECONDS: Final = 2.0  # a half-closed one may take this long to close too
ACCEPTS_ALONE: Final = 64  # connections a turn when no other worker could take them
ACCEPTS_SHARED: Final = 4  # ... and when others could


def environs(cfg: Config, on_dropped: Callable[[str], None], **special: Any) -> EnvironBuilder:
    """What makes environs of the requests; special: for those of trusted peers."""
    return EnvironBuilder(
        on_dropped=on_dropped,
        maps_underscores=cfg.header_map == "dangerous",
        casefolds=cfg.casefold_http_method,
        **special,
    )


def site(
    cfg: Config,
    batch: Batch,
    crew: Crew,
    *,
    access_line: Callable[..., str] | None,
    line_waits: bool,
    leaving: Callable[[], bool],
    server: memoryview[int] | None,
) -> Site:
    """What the responses have in common; see `Site` for the arguments."""
    return Site(
        batch,
        crew=crew,
        log=LOGGER,
        pages=error_page,
        access_line=access_line,
        line_waits=line_waits,
        leaving=leaving,
        socket_of=GunicornSocket.of,
        take_over=taken,
        spool_dir=cfg.tmp_upload_dir,
        response_buffer=cfg.response_buffer,
        server_header=cfg.server_header,
        server=server,
        reads_files=not cfg.sendfile,
    )


def static(cfg: Config, script: str) -> StaticFiles | None:
    """What answers requests for static files, None without any; script: see mounted.py."""
    return static_files(cfg, script, error_page, LOGGER)


def deadlines(cfg: Config) -> Deadlines:
    """How long a connection may take over each thing it is waited for."""
    return Deadlines(
        first_byte=cfg.header_timeout,
        next_request=cfg.keepalive,
        whole_head=cfg.header_timeout,
        more_body=cfg.body_timeout,
        reader=cfg.write_timeout,
        linger=LINGER_SECONDS,
        queued=cfg.queue_timeout,
        shake=cfg.tls_handshake_timeout,
        ping=cfg.ws_ping_interval,
        pong=cfg.ws_ping_timeout,
    )


def hub(
    cfg: Config,
    gateway: Gateway,
    site: Site,
    batch: Batch,
    *,
    poller: Poller,
    environs: Callable[..., EnvironBuilder],
    write_access: Callable[[list[str]], None],
    most_connections: int,
    most_requests: int,
) -> Hub:
    """The loop.  gateway: calls the application.  environs(): see `environs`."""
    limits = Limits(
        line=cfg.limit_request_line,
        fields=cfg.limit_request_fields,
        field_size=cfg.limit_request_field_size,
        head=cfg.limit_request_head,
    )
    leniency = Leniency(**{field.name: getattr(cfg, field.name) for field in fields(Leniency)})
    parser = make_head_parser(
        resolve_parser(cfg.http_parser), limits, cfg.limit_request_body, leniency
    )
    made = Hub(
        gateway,
        site=site,
        batch=batch,
        parser=parser,
        environs=environs(),
        deadlines=deadlines(cfg),
        poller=poller,
        write_access=write_access,
        most_connections=most_connections,
        accepts=ACCEPTS_ALONE if cfg.workers == 1 else ACCEPTS_SHARED,
        spool_after=cfg.body_buffer,
        spool_dir=cfg.tmp_upload_dir,
        body_min_rate=cfg.body_min_rate,
        most_requests=most_requests,
        queue_timeout=cfg.queue_timeout,
        **in_front(cfg, environs),
    )
    if "h2" in cfg.http_protocols:
        speak_http2(cfg, made)
    return made


def speak_http2(cfg: Config, hub: Hub) -> None:
    """Have the loop speak HTTP/2 too.  Its modules are there: see config/checks/http2.py."""
    from fastfork._core.http.http2protocol import Http2
    from fastfork._core.http.http2receiver import Http2Limits

    window = cfg.http2_initial_window_size
    limits = Http2Limits(
        max_streams=cfg.http2_max_concurrent_streams,
        window=window,
        connection_window=min(4 * window, 2**31 - 1),
        frame_size=cfg.http2_max_frame_size,
        header_list=cfg.http2_max_header_list_size,
    )
    Http2(hub, limits, in_clear=cfg.http2_cleartext == "prior-knowledge")
