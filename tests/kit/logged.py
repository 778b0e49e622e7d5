"""Loggers for tests, and loggers left as they were found.

Runs in: cli
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from fastfork import logs, metrics
from fastfork.config import Config
from fastfork.logs.accesslog import AccessLog
from fastfork.logs.base.serverlogger import OurHandler
from fastfork.logs.glogging import Logger

L = TypeVar("L", bound=Logger)

NAMES = ("fastfork.error", "fastfork.access", "gunicorn.error", "gunicorn.access", "shop")


def plain_logger(cls: type[L], **settings: Any) -> L:
    """A Logger that has set up nothing."""
    logger = cls.__new__(cls)
    logger.cfg = Config(**settings)
    return logger


ENVIRON: dict[str, Any] = {
    "REMOTE_ADDR": "192.0.2.1",
    "REQUEST_METHOD": "GET",
    "RAW_URI": "/a?b",
    "PATH_INFO": "/a",
    "QUERY_STRING": "b",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTP_X_A": "1",
    "wsgi.url_scheme": "http",
}


def serve_one(cfg: Config, environ: dict[str, Any] = ENVIRON, status: str = "200 OK") -> None:
    """What a worker does at the end of a request."""
    access = AccessLog(cfg)
    assert access.enabled
    made = access.line(environ, status, 12, 1_234_567_890, [("X-B", "2")])
    access.write([made])
    access.close()


@contextmanager
def kept_loggers() -> Iterator[None]:
    """Afterwards our loggers have no handlers, and the root logger has its own."""
    root = list(logging.root.handlers), logging.root.level
    try:
        yield
    finally:
        logs.setup(Config())
        metrics.setup(Config())
        logs.LOGGER.twin = logs.ACCESS.twin = None
        for name in NAMES:
            logger = logging.getLogger(name)
            for handler in list(logger.handlers):
                logger.removeHandler(handler)
                if isinstance(handler, OurHandler):
                    handler.dispose()
                else:
                    handler.close()
            for chosen in list(logger.filters):
                logger.removeFilter(chosen)
            logger.propagate = True
            logger.disabled = False
            logger.setLevel(logging.NOTSET)
        for handler in [one for one in logging.root.handlers if one not in root[0]]:
            handler.close()
        logging.root.handlers[:], logging.root.level = root
