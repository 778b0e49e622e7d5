"""What may be written for `worker_class`: our names, and those that gunicorn has for the same.

Each worker class of gunicorn, by alias, dotted name or class, means one of ours, or is refused
with a line that says what to use.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from .basic import Kind, complaint

__all__ = [
    "GEVENT",
    "WORKER_CLASS",
    "AsyncWorker",
    "GeventWorker",
    "SyncWorker",
    "ThreadWorker",
    "Worker",
]


class Worker:
    """Stands for gunicorn's class of that name in config files, to be named or derived from.

    meant: which of our kinds of worker that is; '' for none.
    """

    meant: ClassVar[str] = ""


class SyncWorker(Worker):
    """gunicorn.workers.sync.SyncWorker."""

    meant = "sync"


class ThreadWorker(Worker):
    """gunicorn.workers.gthread.ThreadWorker."""

    meant = "gthread"


class AsyncWorker(Worker):
    """gunicorn.workers.base_async.AsyncWorker."""


class GeventWorker(AsyncWorker):
    """gunicorn.workers.ggevent.GeventWorker."""

    meant = "gevent"


_OURS: Final = frozenset({SyncWorker, ThreadWorker, GeventWorker})

# gunicorn has three workers on gevent; their names mean one here.
GEVENT: Final = frozenset({"gevent", "gevent_pywsgi", "gevent_wsgi"})

# gunicorn's names -> ours.
_ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "gunicorn.workers.sync.SyncWorker": "sync",
        "egg:gunicorn#sync": "sync",
        "gunicorn.workers.gthread.ThreadWorker": "gthread",
        "egg:gunicorn#gthread": "gthread",
        "gunicorn.workers.ggevent.GeventWorker": "gevent",
        "egg:gunicorn#gevent": "gevent",
        "gunicorn.workers.ggevent.GeventPyWSGIWorker": "gevent_pywsgi",
        "egg:gunicorn#gevent_pywsgi": "gevent_pywsgi",
        "egg:gunicorn#gevent_wsgi": "gevent_wsgi",
        "gunicorn.workers.gasgi.ASGIWorker": "asgi",
        "egg:gunicorn#asgi": "asgi",
        "uvicorn.workers.UvicornWorker": "asgi",
        "uvicorn.workers.UvicornH11Worker": "asgi",
        "uvicorn_worker.UvicornWorker": "asgi",
        "uvicorn_worker.UvicornH11Worker": "asgi",
    }
)

_ASGI: Final = ("is not a kind of worker here", "use asgi, which serves ASGI applications")
_AIOHTTP: Final = (
    "serves aiohttp's own applications, which are not ASGI",
    "run those with aiohttp, or name an ASGI application and use asgi",
)
_GONE: Final = ("is not a kind of worker here", "use sync or gthread")
_GREENLETS: Final = (
    "is not a kind of worker here",
    "use gevent, which serves applications that wait for others in the same way",
)

# Name, or the package that a class is in -> what is wrong with it, and what to write instead.
_REFUSED: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "aiohttp": _AIOHTTP,
        "hypercorn": _ASGI,
        "uvicorn": _ASGI,
        "uvicorn_worker": _ASGI,
        "eventlet": _GREENLETS,
        "geventwebsocket": (
            "is not a kind of worker here",
            "use gevent and uninstall gevent-websocket; Flask-SocketIO then uses simple-websocket",
        ),
        "meinheld": _GREENLETS,
        "tornado": _GONE,
    }
)


def _parse(value: object) -> str:
    if isinstance(value, type):
        return _of_class(value)
    if not isinstance(value, str) or not value.strip():
        raise complaint(value, "is no kind of worker", "write sync")
    name = _ALIASES.get(value.strip(), value.strip())
    refused = _REFUSED.get(name) or _REFUSED.get(name.partition(".")[0])
    if refused is None and name.startswith("gunicorn."):
        refused = _ASGI if "asgi" in name.lower() else _GONE
        refused = _GREENLETS if "eventlet" in name.lower() else refused
    if refused is not None:
        raise complaint(value, *refused)
    return name


def _of_class(given: type) -> str:
    if given in _OURS:
        return _parse(given.meant)
    named = f"{given.__module__}.{given.__qualname__}"
    if named in _ALIASES:
        return _ALIASES[named]
    refused = _REFUSED.get(named.partition(".")[0])
    if refused is not None:
        raise complaint(named, *refused)
    if issubclass(given, Worker) and given.meant:
        raise complaint(
            named,
            f"derives from {given.meant!r}, and its methods would not be called",
            "use hooks (worker_int, post_worker_init, worker_exit) and "
            f"worker_class = {given.meant!r}",
        )
    raise complaint(named, "is no class of workers here", "write sync")


WORKER_CLASS: Final[Kind[str]] = Kind("worker class", "CLASS", _parse)
