"""An application that configures logging for itself, in the way that HOW in the environment names.

/err raises; /errors writes to wsgi.errors; /log to gunicorn's logger; /held/NAME makes the file
NAME.in and answers when there is NAME.out.

Runs in: worker
"""

from __future__ import annotations

import logging
import logging.config
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

HOW = os.environ.get("HOW", "")
HELD_SECONDS = 20.0
INI = "[loggers]\nkeys=root\n[handlers]\nkeys=\n[formatters]\nkeys=\n[logger_root]\nhandlers=\n"


def configure(how: str) -> None:
    if how == "dictConfig":
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
    elif how == "disabling":
        logging.config.dictConfig({"version": 1})
    elif how == "fileConfig":
        path = Path(f"logging-{os.getpid()}.ini")
        path.write_text(INI)
        logging.config.fileConfig(path)
    elif how == "shutdown":
        logging.shutdown()
    elif how == "disable":
        logging.disable(logging.CRITICAL)


def held(name: str) -> None:
    Path(f"{name}.in").touch()
    until = time.monotonic() + HELD_SECONDS
    while not Path(f"{name}.out").exists() and time.monotonic() < until:
        time.sleep(0.01)


configure(HOW)


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path == "/err":
        raise LookupError("raised by the application")
    if path == "/errors":
        environ["wsgi.errors"].writelines(["one " + "x" * 300 + "\n", "two\n"])
        environ["wsgi.errors"].flush()
    if path == "/log":
        logging.getLogger("gunicorn.error").warning("logged by the application")
    if path == "/quiet":
        logging.getLogger("gunicorn.access").setLevel(logging.ERROR)
    if path.startswith("/held/"):
        held(path.removeprefix("/held/"))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"done"]
