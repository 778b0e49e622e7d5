"""fastfork: a prefork server for WSGI and ASGI that costs what the fastest C servers cost.

Runs in: both
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["__version__", "serve"]

__version__ = "0.1.0"


def serve(app: Callable[..., Any] | str, /, **settings: object) -> None:
    """Serve `app` with an arbiter and workers, until the server is told to stop.

    app: a WSGI application, an ASGI one with `worker_class="asgi"`, or its name as the command line
    has it, "module:name".  settings: those of docs/reference/settings.md, by name, with the values
    of a config file; they win over the environment and over the file that `config` names.  No other
    config file is looked for.

    Call it in the main thread, below `if __name__ == "__main__":`.  The signal handlers, the
    directory and sys.path are afterwards what they were.
    Raises StartError (ConfigError, BootError, ServerFailed among them) when the server cannot
    start or does not end well; its `exit_code` is what the command line would have ended with.
    """
    # Late and by name: whoever imports fastfork for an error pays for no server, and every
    # floor of the package imports fastfork.
    importlib.import_module("fastfork.embed").serve(app, settings)
