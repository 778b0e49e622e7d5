"""`worker.app` and `server.app` of hooks: the application, and how it is loaded.

What `Application.wsgi` returns is what is served, as with gunicorn's method of that name: an agent
that watches applications may put itself around it.

Runs in: both
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from fastfork.wsgi.agents import reported

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from fastfork.config import Config

__all__ = ["Application"]

log = logging.getLogger("fastfork.error")


class Application:
    """The application of one process.

    cfg: the settings.  callable: the WSGI application when it has been loaded, else None, without
    what agents put around it; what a hook sets here before that is served instead.
    arbiter_pid: of the process that should not load it; None where that does not matter.
    """

    def __init__(
        self,
        cfg: Config,
        load: Callable[[], WSGIApplication],
        *,
        arbiter_pid: int | None = None,
    ) -> None:
        self.cfg = cfg
        self.callable: WSGIApplication | None = None
        self._load = load
        self._reported: WSGIApplication | None = None
        self.arbiter_pid = arbiter_pid

    @property
    def app_uri(self) -> str | None:
        """MODULE:APP."""
        return self.cfg.wsgi_app

    def load(self) -> WSGIApplication:
        """Load it, each time.  Raises BootError."""
        return self._load()

    def wsgi(self) -> WSGIApplication:
        """Return the WSGI application, loaded the first time.  Raises BootError."""
        if self.callable is None:
            if self.arbiter_pid == os.getpid():
                log.warning(
                    "A hook has the application loaded in the arbiter: its modules stay as they "
                    "are there, and workers do not get new code by a reload; use worker.app in "
                    "post_worker_init"
                )
            self.callable = self.load()
        if self._reported is None:
            is_asgi = self.cfg.worker_class == "asgi"  # which the agent sees to by itself
            self._reported = self.callable if is_asgi else reported(self.callable)
        return self._reported
