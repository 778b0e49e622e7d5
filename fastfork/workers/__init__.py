"""Workers: the processes that serve.  A class is found by name, in the child's parent.

Runs in: both
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

from fastfork.errors import ConfigError
from fastfork.process import collector

if TYPE_CHECKING:
    from fastfork.workers.base import Worker

__all__ = ["WORKER_CLASSES", "worker_class"]

WORKER_CLASSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sync": "fastfork.workers.reactor:ReactorWorker",
        "gthread": "fastfork.workers.reactor:ReactorWorker",
        "gevent": "fastfork.workers.gevent:GeventWorker",
        "gevent_pywsgi": "fastfork.workers.gevent:GeventWorker",
        "asgi": "fastfork.workers.asgi:AsgiWorker",
        "gevent_wsgi": "fastfork.workers.gevent:GeventWorker",
    }
)


def worker_class(name: str) -> type[Worker]:
    """Import the class that `name` means in WORKER_CLASSES, or a class given as MODULE:CLASS.

    Raises ConfigError for a name that is neither; ImportError when the module does not import,
    which for our own means an installation without its compiled part.
    """
    if name in WORKER_CLASSES:
        with collector.paused():
            return _imported(WORKER_CLASSES[name])
    return _imported(name)


def _imported(name: str) -> type[Worker]:
    module, _, attribute = name.partition(":")
    if not attribute:
        raise ConfigError(f"worker_class: {name!r} is not one of: {', '.join(WORKER_CLASSES)}")
    return cast("type[Worker]", getattr(importlib.import_module(module), attribute))
