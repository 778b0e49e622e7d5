"""With types, as a linter of the project wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

if TYPE_CHECKING:
    from gunicorn.http.message import Request

bind: str = "127.0.0.1:0"
workers: int = 1
timeout: float = 30.5


def when_ready(server: Arbiter) -> None:
    server.log.info("is an Arbiter: %s", isinstance(server, Arbiter))


def pre_request(worker: Worker, req: Request) -> None:
    worker.log.info("asked for %s", req.uri)
