"""A `gunicorn` to import while the settings are loaded, for config files that were written for it.

`import gunicorn` in a config file, or in a module that it imports, finds the names of NAMES and
no others; so does the module of a `logger_class` that is named by its text.  They are there only
inside `gunicorn_names()`: afterwards sys.modules is as it was.  An installed gunicorn is not looked
at in that time: a logger class that derives from gunicorn's would get settings and requests of a
server that is not there, and a config file would mean different things on machines that have it
and machines that do not.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Final, cast

from ..kinds.workerclass import AsyncWorker, GeventWorker, SyncWorker, ThreadWorker, Worker

if TYPE_CHECKING:
    from importlib.abc import Loader

__all__ = ["NAMES", "VERSION", "Names", "add_names", "gunicorn_names"]

TOP: Final = "gunicorn"
# The version whose settings and hooks are kept; config files compare it.
VERSION: Final = (27, 0, 1)
_SERVER: Final = TOP
_SOFTWARE: Final = f"{TOP}/{'.'.join(map(str, VERSION))}"


class Ours(str):
    """A name of ours as MODULE:NAME, imported when a config file asks for it.

    By its text: settings know nothing of the floors above them.
    """

    __slots__ = ()


# Module -> what can be imported from it.  docs/how-to/migrate-from-gunicorn.md has the same list.
NAMES: Final[Mapping[str, Mapping[str, object]]] = MappingProxyType(
    {
        "gunicorn": {
            "SERVER": _SERVER,
            "SERVER_SOFTWARE": _SOFTWARE,
            "__version__": ".".join(map(str, VERSION)),
            "version_info": VERSION,
        },
        "gunicorn.arbiter": {"Arbiter": Ours("fastfork.arbiter.hook_views:ServerView")},
        "gunicorn.config": {"Config": Ours("fastfork.config.settings:Config")},
        "gunicorn.errors": {
            "ConfigError": Ours("fastfork.errors:ConfigError"),
            "HaltServer": Ours("fastfork.errors:StartError"),
        },
        "gunicorn.glogging": {
            "CONFIG_DEFAULTS": Ours("fastfork.logs.glogging:CONFIG_DEFAULTS"),
            "Logger": Ours("fastfork.logs.glogging:Logger"),
            "SafeAtoms": Ours("fastfork.logs.glogging:SafeAtoms"),
            "SYSLOG_FACILITIES": Ours("fastfork.logs.glogging:SYSLOG_FACILITIES"),
            "parse_syslog_address": Ours("fastfork.logs.glogging:parse_syslog_address"),
        },
        "gunicorn.http": {"Request": Ours("fastfork.wsgi.request_hooks:Request")},
        "gunicorn.http.message": {"Request": Ours("fastfork.wsgi.request_hooks:Request")},
        "gunicorn.http.wsgi": {"Response": Ours("fastfork.wsgi.request_hooks:Response")},
        "gunicorn.instrument": {},
        "gunicorn.instrument.statsd": {"Statsd": Ours("fastfork.logs.glogging:Logger")},
        "gunicorn.workers": {},
        "gunicorn.workers.base": {"Worker": Worker},
        "gunicorn.workers.base_async": {"AsyncWorker": AsyncWorker},
        "gunicorn.workers.ggevent": {"GeventWorker": GeventWorker},
        "gunicorn.workers.gthread": {"ThreadWorker": ThreadWorker},
        "gunicorn.workers.sync": {"SyncWorker": SyncWorker},
    }
)


class Names:
    """What a config file has done to the modules it was given."""

    @property
    def server(self) -> str | None:
        """What was assigned to `gunicorn.SERVER_SOFTWARE` or `SERVER`; None if nothing was."""
        module = sys.modules.get(TOP)
        for name in ("SERVER_SOFTWARE", "SERVER"):
            value = getattr(module, name, None)
            if value is not None and value != NAMES[TOP][name]:
                return str(value)
        return None


class _Module(ModuleType):
    """A module of NAMES; what is ours behind a name is imported when it is asked for."""

    def __getattr__(self, name: str) -> object:
        known = NAMES[self.__name__]
        if name not in known:
            raise AttributeError(_missing(f"{self.__name__}.{name}"))
        value = known[name]
        if isinstance(value, Ours):
            module, _, attribute = value.partition(":")
            value = getattr(importlib.import_module(module), attribute)
        setattr(self, name, value)
        return value


class _Finder:
    """Finds `gunicorn` and what is below it, and nothing else; a finder and a loader."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the protocol's arguments
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return the module of that name in NAMES; None for all others' names."""
        if not _is_gunicorns(fullname):
            return None
        if fullname not in NAMES:
            # Not ModuleNotFoundError, which `from gunicorn import x` replaces by a text without x.
            raise ImportError(_missing(fullname), name=fullname)
        return ModuleSpec(fullname, cast("Loader", self), is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return a module that looks its names up in NAMES."""
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """`import gunicorn.glogging` makes the name `gunicorn`, so plain values are set at once."""
        for name, value in NAMES[module.__name__].items():
            if not isinstance(value, Ours):
                setattr(module, name, value)


def _is_gunicorns(name: str) -> bool:
    return name.partition(".")[0] == TOP


def _missing(name: str) -> str:
    return (
        f"{name} is not among the names of gunicorn that fastfork has for config files; "
        "docs/how-to/migrate-from-gunicorn.md lists them"
    )


@contextmanager
def gunicorn_names() -> Iterator[Names]:
    """Make the names importable; afterwards sys.modules and sys.meta_path are as before."""
    finder = _Finder()
    kept = _take_out()
    sys.meta_path.insert(0, finder)
    try:
        yield Names()
    finally:
        sys.meta_path.remove(finder)
        _take_out()
        sys.modules.update(kept)


def add_names() -> None:
    """Make the names below `gunicorn` importable for good, behind what has files.

    For the stand-in that a user has installed (standin/), which is the package `gunicorn` itself.
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())


def _take_out() -> dict[str, ModuleType]:
    """Remove the modules of a gunicorn, real or ours, from sys.modules."""
    return {name: sys.modules.pop(name) for name in list(sys.modules) if _is_gunicorns(name)}
