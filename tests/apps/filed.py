"""Returns a file in wsgi.file_wrapper; the field Wrapper says whose class that was.

Runs in: worker
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from typing import Any


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the server closes it
    file.write(b"x" * 300_000)
    file.seek(0)
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](file, 8192)
    maker = type(wrapped).__module__.partition(".")[0]
    start_response("200 OK", [("Content-Length", "300000"), ("Wrapper", maker)])
    return wrapped
