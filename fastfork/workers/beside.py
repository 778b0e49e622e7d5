"""What workers have in common whose requests wait beside the loop: in greenlets, or in tasks.

Runs in: worker
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from fastfork.workers.reactor import ReactorWorker
from fastfork.workers.threads import RequestWatch

if TYPE_CHECKING:
    from fastfork._core.loop.hub import Hub


class BesideWorker(ReactorWorker):
    """Its gateway knows which requests are running, each with what it runs in."""

    gateway: Any  # with `running`, see AsgiGateway

    @abstractmethod
    def stack_of(self, runs_in: Any) -> str:
        """Where the code of a request waits, as a traceback shows it; "" where nobody can say.

        runs_in: what the gateway has named for it.
        """

    def make_watch(self, hub: Hub) -> RequestWatch:  # noqa: ARG002 - it asks us
        """A request that waits for too long holds nobody up; this is for who asks for it."""
        return RequestWatch(self._running, self.cfg.request_timeout or 0.0, self._stack_of)

    def current_request(self) -> str:
        """The request lines that the application is working on, the oldest first."""
        return ", ".join(line for _runs_in, _since, line in self._requests())

    def _requests(self, to_answer: bool = False) -> list[tuple[Any, int, str]]:
        return [] if self.hub is None else self.gateway.running(to_answer)

    def _running(self) -> list[tuple[int, int, str]]:
        return [(id(one), since, line) for one, since, line in self._requests(to_answer=True)]

    def _stack_of(self, ident: int) -> str:
        return next((self.stack_of(one) for one, *_ in self._requests() if id(one) == ident), "")
