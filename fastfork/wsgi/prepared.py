"""The application as it is served: loaded, and behind what some settings put around it.

With the defaults that is the application itself.

Runs in: worker
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from wsgiref.util import FileWrapper

from fastfork.config import SETTINGS
from fastfork.wsgi import spew
from fastfork.wsgi.loader import load_app

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from fastfork.config import Config

__all__ = ["load", "surrounded"]

# As sendfile off sends files: blocks that are large enough to be cheap.
BLOCK = 64 * 1024  # bytes


def load(cfg: Config) -> WSGIApplication:
    """The application that `cfg` names, as it is to be called.  Raises BootError."""
    if cfg.spew:
        spew.start()
    return surrounded(load_app(cfg.wsgi_app or ""), cfg)


def surrounded(app: WSGIApplication, cfg: Config) -> WSGIApplication:
    """`app`, or what calls it in an environ that `sendfile` and `server_header` have changed."""
    changes: dict[str, Any] = {}
    if not cfg.sendfile:
        changes["wsgi.file_wrapper"] = _in_blocks
    name = cfg.server_header
    if name == SETTINGS["server_header"].default:
        return app if not changes else _with_environ(app, changes)
    changes["SERVER_SOFTWARE"] = name
    return _with_environ(_with_server_field(app, name), changes)


def _with_environ(app: WSGIApplication, changes: dict[str, Any]) -> WSGIApplication:
    def called(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ.update(changes)
        return app(environ, start_response)

    return called


def _with_server_field(app: WSGIApplication, name: str) -> WSGIApplication:
    def called(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
            if not any(field.lower() == "server" for field, _ in headers):
                headers = [("Server", name), *headers]
            return start_response(status, headers, exc_info)

        return app(environ, start)

    return called


def _in_blocks(file: Any, size: int = BLOCK) -> Iterable[bytes]:
    """A `wsgi.file_wrapper` without a descriptor: what is returned is read as an iterable."""
    return FileWrapper(file, max(size, BLOCK))
