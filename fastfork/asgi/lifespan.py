"""The lifespan of an ASGI application: it is told of the start before any request, and of the end
after the last one (asgiref, specs/lifespan.rst 2.0).

The application is called once for it, in a task of its own, and goes on in there as long as the
worker serves.  What that task sets in context variables is seen by no request: what requests need
goes into the `state`.

Runs in: worker
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, Literal

from fastfork.config.usertrace import format_user_traceback, summary
from fastfork.errors import StartupFailed

__all__ = ["Lifespan", "Mode"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
Mode = Literal["auto", "on", "off"]

# Seconds that an application has to end in when it has been cancelled.
LAST_WORD: Final = 1.0
# The version of the lifespan specification, and of ASGI.
SPEC_VERSION: Final = "2.0"
ASGI_VERSION: Final = "3.0"
# Answers by the event that they are to.
ANSWERS: Final = {
    "lifespan.startup": ("lifespan.startup.complete", "lifespan.startup.failed"),
    "lifespan.shutdown": ("lifespan.shutdown.complete", "lifespan.shutdown.failed"),
}

log = logging.getLogger("fastfork.error")


class Lifespan:
    """The lifespan of one application in one event loop.

    app: an ASGI 3 application.  mode: "on" demands that it knows the protocol, "auto" goes on
    without when it raises or returns before it has answered, "off" never asks.
    state: the namespace that the application may fill; a request gets a shallow copy of it.

    `startup` is awaited once, then `shutdown` once, in the loop that serves the requests.
    """

    def __init__(self, app: Application, mode: Mode, state: dict[str, Any]) -> None:
        self.app = app
        self.mode = mode
        self.state = state
        self._task: asyncio.Task[None] | None = None
        self._event = ""  # the one that the application was told last, or is to be told next
        self._answer: asyncio.Future[Message | None] | None = None
        self._has_said_so = False  # it sent a message that it failed; many raise after that
        self._told = asyncio.Event()  # receive() has not returned it yet
        self._asks_for_more = asyncio.Event()  # receive() after the shutdown: nothing will come

    async def startup(self) -> None:
        """Tell the application of the start, and wait for its answer; there is no time limit.

        Returns also when the application has no lifespan and need not have one.  Raises
        StartupFailed, with the application's message or its traceback, when it says that it
        cannot start; in mode "on" also when it raises, or returns without an answer.  A
        SystemExit of the application's comes out of the loop, as it does from any task.
        """
        if self.mode == "off":
            return
        scope = {
            "type": "lifespan",
            "asgi": {"version": ASGI_VERSION, "spec_version": SPEC_VERSION},
            "state": self.state,
        }
        loop = asyncio.get_running_loop()
        self._answer = loop.create_future()
        self._tell("lifespan.startup")
        self._task = loop.create_task(self._run(scope), name="lifespan")  # in a copied context
        try:
            answer = await self._first_of(self._answer, None)
        except BaseException:
            self._task.cancel()
            raise
        if answer is None:
            self._without_answer(self._task)
        elif answer["type"] == "lifespan.startup.failed":
            await self._end(LAST_WORD)
            raise _failed(str(answer.get("message", "")))

    async def shutdown(self, timeout: float) -> None:
        """Tell the application of the end, and wait until it has finished.  Never raises for it.

        timeout: seconds, for all of it; then the application is cancelled, and given a second.
        What it says, raises, or does not do in time is logged.  Does nothing when there is no
        lifespan, or when the application has ended it already.
        """
        if self._task is None or self._task.done():
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        self._answer = loop.create_future()
        self._tell("lifespan.shutdown")
        answer = await self._first_of(self._answer, timeout)
        if answer is not None and answer["type"] == "lifespan.shutdown.failed":
            log.error("The application's shutdown failed: %s", answer.get("message", ""))
        elif answer is None and not self._task.done():
            log.warning("The application's shutdown is not over after %g s; it is cut", timeout)
        await self._end(max(0.0, deadline - loop.time()))

    def _tell(self, event: str) -> None:
        self._event = event
        self._told.set()

    async def _first_of(
        self, answer: asyncio.Future[Message | None], timeout: float | None
    ) -> Message | None:
        """Return the answer; None when the task ended before it, or after `timeout` seconds."""
        assert self._task is not None
        both: set[asyncio.Future[Any]] = {answer, self._task}
        await asyncio.wait(both, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        return None

    async def _end(self, timeout: float) -> None:
        """Wait until the task is over, or asks for events that will not come; then cancel it."""
        assert self._task is not None
        asks = asyncio.ensure_future(self._asks_for_more.wait())
        try:
            await asyncio.wait(
                {asks, self._task}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            asks.cancel()
            self._task.cancel()
        await asyncio.wait({self._task}, timeout=LAST_WORD)
        if not self._task.done():
            log.warning("The application's lifespan does not end, although it was cancelled")

    def _without_answer(self, task: asyncio.Task[None]) -> None:
        """The application has ended without an answer to the startup: is that an error?"""
        error = None if task.cancelled() else task.exception()
        told = summary(error) if error is not None else "it has ended without an answer"
        if self.mode == "on":
            raise StartupFailed(
                f"the application has no lifespan, which asgi_lifespan = 'on' demands: {told}",
                traceback_text="" if error is None else format_user_traceback(error),
            ) from error
        log.debug("The application has no lifespan: %s", told)

    async def _run(self, scope: dict[str, Any]) -> None:
        """Call the application.  What it raises after its first answer is logged here."""
        try:
            await self.app(scope, self._receive, self._send)
        except Exception as error:
            if not self._has_started():
                raise  # for `startup`, which looks at the task
            if self._has_said_so:
                return
            log.error(
                "The application's lifespan failed: %s\n%s",
                summary(error),
                format_user_traceback(error).rstrip(),
            )

    def _has_started(self) -> bool:
        return self._answer is not None and (
            self._answer.done() or self._event == "lifespan.shutdown"
        )

    async def _receive(self) -> Message:
        """Return the next event.  The third one never comes."""
        if self._event == "lifespan.shutdown" and not self._told.is_set():
            self._asks_for_more.set()
        await self._told.wait()
        self._told.clear()
        return {"type": self._event}

    async def _send(self, message: Message) -> None:
        """Take the answer to the event of the moment.

        Raises ValueError for a message that is none of the lifespan's, RuntimeError for an answer
        that was not asked for, or was given already.
        """
        kind = message["type"]
        if not any(kind in answers for answers in ANSWERS.values()):
            raise ValueError(f"{kind!r} is no message of the lifespan protocol")
        assert self._answer is not None
        if kind not in ANSWERS[self._event] or self._answer.done():
            raise RuntimeError(f"{kind} was sent where it is not expected")
        self._has_said_so = kind.endswith(".failed")
        self._answer.set_result(message)


def _failed(message: str) -> StartupFailed:
    """Return the error for a `lifespan.startup.failed`; many send a whole traceback for a
    message."""
    lines = [line for line in message.splitlines() if line.strip()]
    reason = f": {lines[-1].strip()}" if lines else ""
    return StartupFailed(
        f"the application's startup failed{reason}",
        traceback_text=message if len(lines) > 1 else "",
    )
