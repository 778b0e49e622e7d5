"""How long requests wait within the worker: from the turn that read them to the application.

A turn of the loop serves one connection after another.  What is measured is the time from its
beginning, when the kernel had reported the connection as readable, to the call of the
application.  What a request waited before, in the kernel's queues, is not known here.

Runs in: worker
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from fastfork import clock

from .statsd import current

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["timing_queue"]


def timing_queue(app: WSGIApplication, began: Callable[[], int]) -> WSGIApplication:
    """`app`, or what tells statsd the wait of each request before it calls `app`.

    began: when the turn under way began, in nanoseconds of `fastfork.clock`.
    """
    statsd = current()
    if statsd is None:
        return app
    tell = statsd.queue_wait

    def timed(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        tell(max(clock.now_ns() - began(), 0))
        return app(environ, start_response)

    return timed
