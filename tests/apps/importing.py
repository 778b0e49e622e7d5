"""An application that does something to its process while it is imported, and tells of it.

IMPORTING is Python that is run at the import; names that it makes are there in the answers.  The
query string is an expression (quoted as in URLs), the answer its value.

Runs in: worker
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

PLACE = Path(os.environ.get("IMPORTING_PLACE", "."))  # for files


def note(text: str) -> None:
    """Add a line `TEXT PID` to the file of notes."""
    with (PLACE / "notes").open("a") as file:
        file.write(f"{text} {os.getpid()}\n")


exec(os.environ.get("IMPORTING", ""))


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    asked = unquote(environ["QUERY_STRING"]) or "os.getpid()"
    body = str(eval(asked, globals())).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
