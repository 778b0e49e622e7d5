"""What a worker that ends in the middle of a request leaves to the others.

An application that calls os._exit(), and a crash in C, end the process there.  The answers that
were made and wait for company are sent first, and connections on which nothing is under way go
into the pool, from which the next worker takes them: clients that were only connected, idle
between two requests, or waiting in line do not notice.  SIGKILL leaves no time for that.

Runs in: worker
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from fastfork._core.loop.hub import Hub


class Bequest:
    """Of one hub, from now on until `revoke`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._exit: Callable[[int], NoReturn] = os._exit
        self._installed = self._leave
        os._exit = self._installed
        hub.pool.bequeath_in_crash()

    def _leave(self, status: int) -> NoReturn:
        """os._exit() of this process, and of its forks, which have nothing to leave."""
        try:
            self._hub.pool.bequeath()
        finally:
            self._exit(status)

    def revoke(self) -> None:
        """The process goes on as something else."""
        self._hub.pool.bequeath_nothing()
        if os._exit == self._installed:
            os._exit = self._exit  # type: ignore[assignment]
