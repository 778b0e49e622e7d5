"""The application as the settings ask for it.

Runs in: worker
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from fastfork.wsgi.loader import load_app, load_asgi

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from fastfork.config import Config

__all__ = ["load"]


def load(cfg: Config) -> WSGIApplication:
    """The application that `cfg` names, as it is to be called.  Raises BootError."""
    if cfg.spew:
        from fastfork.wsgi import spew  # here: for debugging only

        spew.start()
    if cfg.worker_class == "asgi":
        return cast("WSGIApplication", load_asgi(cfg.wsgi_app or ""))
    return load_app(cfg.wsgi_app or "")
