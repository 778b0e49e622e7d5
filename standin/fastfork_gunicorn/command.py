"""The command `gunicorn`, and `python -m gunicorn`: fastfork's, with gunicorn's word for a version.

Runs in: cli
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Final

import fastfork
from fastfork.cli import main as cli
from fastfork.config.gunicorn import compat

__all__ = ["main"]

FAILED: Final = 1
# Airflow 2 takes every child of the arbiter for a worker, and shuts down when their number is not
# the one that it asked for.  A template is one too many.
AIRFLOW: Final = "python:airflow.www.gunicorn_config"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.  Returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        real = metadata.version("gunicorn")
    except metadata.PackageNotFoundError:
        pass
    else:
        print(
            f"gunicorn {real} and fastfork-gunicorn are both installed, and both have this "
            "command; type: pip uninstall gunicorn (for fastfork), or pip uninstall "
            "fastfork-gunicorn and pip install --force-reinstall gunicorn (for gunicorn)",
            file=sys.stderr,
        )
        return FAILED
    if words in (["--version"], ["-v"]):
        version = ".".join(map(str, compat.VERSION))
        print(f"gunicorn (version {version}), which is fastfork {fastfork.__version__}")
        return 0
    # Applications ask sys.modules for it, to know whether they are served.
    importlib.import_module("gunicorn")
    return cli.main(_for_airflow(words))


def _for_airflow(words: list[str]) -> list[str]:
    if AIRFLOW not in words or "--preload" not in words:
        return words
    print(
        "gunicorn (fastfork): --preload is left out, since Airflow would count the process that "
        "the application is loaded in as a worker",
        file=sys.stderr,
    )
    return [word for word in words if word != "--preload"]
