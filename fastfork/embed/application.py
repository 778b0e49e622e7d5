"""The application that is handed over in code: an object of this program, or a name.

Runs in: both
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

from fastfork import wsgi
from fastfork.errors import AppNotFound
from fastfork.records import record
from fastfork.wsgi import spec

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from fastfork.config import Config

__all__ = ["Application", "named"]


@record(frozen=True)
class Application:
    """What is to be served.

    text: MODULE:APP, for logs and process titles.  given: the object; None when it is imported
    by that name in each worker.
    """

    text: str
    given: WSGIApplication | None

    def why_never_new(self) -> str | None:
        """Return why a worker that is started later has the code of now; None when it has its
        own."""
        if self.given is not None:
            return "the application is an object of the program that serves it"
        module = spec.parse(self.text).module
        if module in sys.modules:
            return f"the program that serves it has imported {module} already"
        return None

    def check(self) -> None:
        """Raise BootError for a name that certainly cannot be loaded.  Imports nothing."""
        if self.given is None:
            wsgi.check_before_fork(self.text)

    def load(self, cfg: Config) -> WSGIApplication:
        """Return the application, in the process that calls it.  Raises BootError."""
        if self.given is None:
            return wsgi.load(cfg)
        if cfg.worker_class == "asgi":
            return cast("WSGIApplication", wsgi.as_asgi(self.given, self.text))
        wsgi.check_interface(self.given, self.text)
        return self.given


def named(app: object) -> Application:
    """Take an application as somebody's program hands it over.  Raises AppNotFound."""
    if isinstance(app, Application):
        return app
    if isinstance(app, str):
        spec.parse(app)
        return Application(app, None)
    if not callable(app):
        raise AppNotFound(
            f"{app!r:.80} is no application; hand over what is called as "
            "app(environ, start_response), with worker_class='asgi' as app(scope, receive, send), "
            "or its name: 'module:app'"
        )
    kind = app if hasattr(app, "__qualname__") else type(app)
    text = f"{kind.__module__}:{kind.__qualname__}"
    return Application(text, cast("WSGIApplication", app))
