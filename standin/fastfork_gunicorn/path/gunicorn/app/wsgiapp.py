"""The command as a function and a class, for programs that set sys.argv and call it.

Runs in: cli
"""

from __future__ import annotations

import importlib
import sys
from typing import Any, NoReturn

from fastfork import wsgi

from .base import Application

__all__ = ["WSGIApplication", "run"]


class WSGIApplication(Application):
    """As it is, run() is the command; derived from with a load_config(), it serves `app_uri`."""

    app_uri: str | None = None

    def load_config(self) -> None:
        """Leave everything to the command line."""

    def load(self) -> Any:
        """Import `app_uri`, or the setting `wsgi_app`."""
        return wsgi.load_app(self.app_uri or self.cfg.wsgi_app or "")

    def run(self) -> NoReturn:
        """Serve, and end the program."""
        if type(self).load_config is WSGIApplication.load_config:
            run()
        super().run()


def run(prog: str | None = None) -> NoReturn:  # noqa: ARG001 - gunicorn's signature
    """Run the command with the words of sys.argv, and end the program."""
    # Late: a process that has loaded the command is taken for a server's.
    sys.exit(importlib.import_module("fastfork_gunicorn.command").main())


if __name__ == "__main__":
    run()
