"""How long requests wait for a worker that knows of them, before the application is called.

A request that is in line for a thread, or is handed to another worker that has one, waits from
the moment it was seen.  Any other waits from the beginning of the turn of the loop that read it,
when the kernel had reported its connection as readable.  What it waited before, in the kernel's
queues, is not known here.

Runs in: worker
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from fastfork import clock

from .gathering import current

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["timing_queue"]


def timing_queue(app: WSGIApplication, began: Callable[[], int]) -> WSGIApplication:
    """`app`, or what tells statsd the wait of each request before it calls `app`.

    began: since when the request waits, in nanoseconds of `fastfork.clock`.
    """
    statsd = current()
    if statsd is None:
        return app
    tell = statsd.queue_wait

    def timed(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        tell(max(clock.now_ns() - began(), 0))
        return app(environ, start_response)

    return timed
