"""Pages as frameworks answer with them: an iterable that is no list, and has a `close()`.

app: the length is told.  slow: `/slow` takes its time.

Runs in: worker
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from tests.kit.blocks import Blocks

BODY = b"a page"
SLOW = 0.02  # seconds; far above what a server waits for


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """A page."""
    if environ["PATH_INFO"] == "/slow":
        time.sleep(SLOW)
    start_response("200 OK", [("Content-Length", str(len(BODY)))])
    return Blocks([BODY])


def unmeasured(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """A page whose length nobody knows before it ends."""
    start_response("200 OK", [])
    return _blocks()


def _blocks() -> Iterator[bytes]:
    yield BODY
