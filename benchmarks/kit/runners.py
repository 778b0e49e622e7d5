"""Start a server that is only a function: python -m benchmarks.kit.runners SERVER PORT APP.

One process, no extra threads, no access log, keep-alive on.

Runs in: cli
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

HOST = "127.0.0.1"
KEEPALIVE_SECONDS = 600
# Descriptors, with room above the 10,000 idle connections of benchmarks/floor/idle.py.
MAX_DESCRIPTORS = 20_000


def run_bjoern(app: Any, port: int) -> None:
    """No options: it logs nothing and has no time limit for idle connections."""
    importlib.import_module("bjoern").run(app, HOST, port)


def run_freastal(app: Any, port: int) -> None:
    """One worker runs in this process."""
    importlib.import_module("freastal").serve(app, host=HOST, port=port, workers=1)


def run_fastpysgi(app: Any, port: int) -> None:
    """Its default log level shows errors only."""
    importlib.import_module("fastpysgi").run(app, HOST, port)


def run_meinheld(app: Any, port: int) -> None:
    """It closes after each answer unless a keep-alive time is set."""
    server = importlib.import_module("meinheld.server")
    server.set_access_logger(None)
    server.set_error_logger(None)
    server.set_keepalive(KEEPALIVE_SECONDS)
    server.set_picoev_max_fd(MAX_DESCRIPTORS)
    server.listen((HOST, port))
    server.run(app)


RUNNERS: Final[Mapping[str, Callable[[Any, int], None]]] = MappingProxyType(
    {
        "bjoern": run_bjoern,
        "freastal": run_freastal,
        "fastpysgi": run_fastpysgi,
        "meinheld": run_meinheld,
    }
)


def main(argv: list[str]) -> None:
    """argv: the server's name, the port, MODULE:APP."""
    name, port, spec = argv
    module, _, attribute = spec.partition(":")
    app = getattr(importlib.import_module(module), attribute)
    RUNNERS[name](app, int(port))


if __name__ == "__main__":
    main(sys.argv[1:])
