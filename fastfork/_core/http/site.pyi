import logging
import socket
from collections.abc import Callable
from typing import Any

from fastfork._core.conn.batch import Batch
from fastfork._core.conn.connection import Connection
from fastfork._core.conn.tls_stream import TlsStream
from fastfork._core.loop.crew import Crew

class Site:
    crew: Crew
    draining: bool
    access_line: Callable[..., str] | None
    line_waits: bool
    def __init__(
        self,
        batch: Batch,
        *,
        crew: Crew,
        log: logging.Logger,
        pages: Callable[[int], tuple[str, bytes]],
        access_line: Callable[[dict[str, Any], str, int, int, list[tuple[str, str]]], str] | None,
        leaving: Callable[[], bool],
        socket_of: Callable[[Connection], object],
        take_over: Callable[[socket.socket, bytes, TlsStream | None], object],
        spool_dir: str | None = None,
        response_buffer: int = 1 << 30,
        line_waits: bool = False,
        server_header: str = "fastfork",
        server: memoryview[int] | None = None,
        reads_files: bool = False,
    ) -> None: ...
