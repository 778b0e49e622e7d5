"""What a scene has seen, and the cues that it waits for.

Runs in: worker
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

LIMIT = 20.0  # seconds; the client's deadline is shorter
_all: dict[str, Notes] = {}


def notes_of(case: str) -> Notes:
    return _all.setdefault(case, Notes())


class Notes:
    """Facts by name; who waits for one wakes up when it is noted."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self._events: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def note(self, **facts: Any) -> None:
        self.facts.update(facts)
        for name in facts:
            self._events[name].set()

    def add(self, name: str, fact: Any) -> None:
        """Note one more of this name."""
        self.note(**{name: [*self.facts.get(name, []), fact]})

    async def until(self, name: str) -> None:
        """Wait until this was noted, or the scene is over without it."""
        waiting = [asyncio.create_task(self._events[one].wait()) for one in (name, "ended")]
        await asyncio.wait(waiting, timeout=LIMIT, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()

    def cue(self, name: str) -> None:
        self._events[f"cue {name}"].set()

    async def wait_for_cue(self, name: str = "go") -> None:
        await asyncio.wait_for(self._events[f"cue {name}"].wait(), LIMIT)


async def answer(send: Any, value: Any, *fields: tuple[bytes, bytes]) -> None:
    """A whole answer, which is the `repr` of a value."""
    body = repr(literal(value)).encode()
    length = b"%d" % len(body)
    headers = [(b"content-length", length), *fields]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def literal(value: Any) -> Any:
    """The value with literals for what is none: numbers of an enum, mappings that are no dict."""
    if isinstance(value, Mapping):
        return {literal(key): literal(more) for key, more in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(literal, value))
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    return value if isinstance(value, bool | str | bytes | None) else repr(value)


async def attempt(function: Any, *arguments: Any) -> list[str]:
    """The names of the classes of what the call or its awaitable raises; empty for nothing."""
    try:
        await function(*arguments)
    except Exception as error:
        return [kind.__name__ for kind in type(error).__mro__]
    return []
