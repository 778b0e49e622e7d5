"""The worker's end of the pool, through which connections go to other workers (net/pool.py).

Runs in: worker
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fastfork.net import Listener, Pool, key_of
from fastfork.workers.bequest import Bequest

if TYPE_CHECKING:
    from fastfork._core.loop.hub import Hub


def join_pool(
    hub: Hub,
    pool: Pool,
    listeners: Sequence[Listener],
    template: Callable[[object], dict[str, Any]],
    *,
    hands_over: bool,
) -> Bequest:
    """Take connections from there, and put some in: when the worker ends in the middle of a
    request, and with `hands_over` when it has no thread for them.

    template: makes the environ of a listening socket's requests.
    """

    def template_of(fd: int) -> dict[str, Any]:
        """Of a connection whose listener this worker does not have."""
        with socket.socket(fileno=os.dup(fd)) as sock:
            return template(sock)

    keys = [key_of(listener.sock) for listener in listeners]
    hub.pool.share(pool.into.fileno(), pool.out.fileno(), keys, template_of, hands_over=hands_over)
    return Bequest(hub)
