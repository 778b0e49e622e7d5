"""BaseApplication: a server that a program derives from gunicorn's class, started by run().

Runs in: cli
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn

from fastfork.config import SETTINGS
from fastfork.config.gunicorn.names import OTHER_SETTINGS
from fastfork.embed import serving
from fastfork.embed.application import Application as Served
from fastfork.errors import AppImportFailed, StartError
from fastfork.process import boot

__all__ = ["Application", "BaseApplication"]


class Settings:
    """The `cfg` of an application that has not been started: takes settings, knows their names."""

    def __init__(self) -> None:
        # Name -> what has been set; gunicorn's others too, which are refused at the start.
        self.settings: dict[str, Any] = dict.fromkeys([*SETTINGS, *OTHER_SETTINGS])

    def set(self, name: str, value: object) -> None:
        """Set one.  Raises AttributeError for a name that is none, as gunicorn's."""
        if name not in self.settings:
            raise AttributeError(f"No configuration setting for: {name}")
        self.settings[name] = value

    def __getattr__(self, name: str) -> Any:
        settings = self.__dict__.get("settings", {})
        if name not in settings:
            raise AttributeError(f"No configuration setting for: {name}")
        value = settings[name]
        return SETTINGS[name].default if value is None and name in SETTINGS else value

    def given(self) -> dict[str, Any]:
        """What has been set."""
        return {name: value for name, value in self.settings.items() if value is not None}


class BaseApplication:
    """Derive from it: load_config() sets `self.cfg`, load() returns the WSGI application."""

    def __init__(self, usage: str | None = None, prog: str | None = None) -> None:
        self.usage = usage
        self.prog = prog
        self.logger = None
        self.callable: Any = None
        self.cfg: Any = None
        self.do_load_config()

    def do_load_config(self) -> None:
        """Make the settings; what load_config() raises ends the program, as in gunicorn."""
        try:
            self.load_default_config()
            self.load_config()
        except Exception as error:
            _end(str(error), 1)

    def load_default_config(self) -> None:
        """Begin with no setting set."""
        self.cfg = Settings()

    def load_config(self) -> None:
        """Set the settings; for the class that derives from this one."""
        raise NotImplementedError

    def load(self) -> Any:
        """Return the WSGI application; for the class that derives from this one."""
        raise NotImplementedError

    def wsgi(self) -> Any:
        """The WSGI application, loaded the first time."""
        if self.callable is None:
            self.callable = self.load()
        return self.callable

    def run(self) -> NoReturn:
        """Serve until told to stop, and end the program.  load() is called in the workers."""
        kind = type(self)
        try:
            served = Lazily(f"{kind.__module__}:{kind.__qualname__}", None, self.wsgi)
            serving.serve(served, self.cfg.given())
        except StartError as error:
            told = boot.describe(error) if isinstance(error, AppImportFailed) else str(error)
            _end(told, error.exit_code)
        sys.exit(0)


class Lazily(Served):
    """What is loaded by calling a function, in the process that serves it."""

    def __init__(self, text: str, given: None, load: Callable[[], Any]) -> None:
        super().__init__(text, given)
        object.__setattr__(self, "_load", load)

    def why_never_new(self) -> str:
        """The program is what it is until it is started again."""
        return "the application is loaded by a method of the program that serves it"

    def check(self) -> None:
        """Nothing can be said before it is loaded."""

    def load(self, _cfg: object) -> Any:
        """Call the function."""
        return self._load()  # type: ignore[attr-defined]


class Application(BaseApplication):
    """gunicorn's class with a command line and a config file: see wsgiapp."""


def _end(told: str, code: int) -> NoReturn:
    print(f"\nError: {told}", file=sys.stderr)
    sys.exit(code)
