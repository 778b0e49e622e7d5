"""The application of the conformance corpus for ASGI servers (tests/asgi).

The first segment of the path names a scene, a coroutine function that does one thing to the server;
what it sees goes into the notes of its case, which the field `x-case` of the request names.

/recall?CASE&KEY answers with the notes of a case as soon as there is one of this name;
/cue?CASE&KEY lets a scene go on that waits for this cue.  Answers are Python literals, since those
keep bytes, tuples and numbers apart.

Runs in: worker
"""

from __future__ import annotations

from typing import Any

from . import receiving, scopes, sending, sockets, tasks, wrong
from .notes import Notes, answer, notes_of

__all__ = ["app"]

SCENES = {
    name: scene
    for module in (scopes, receiving, sending, wrong, tasks, sockets)
    for name, scene in module.SCENES.items()
}
started: list[object] = []


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    assert (await receive())["type"] == "lifespan.startup"
    if "state" in scope:
        scope["state"].update(shared=started, number=1)
    tasks.lifespan_variable.set("of the lifespan")
    tasks.remember_loop()
    await send({"type": "lifespan.startup.complete"})
    assert (await receive())["type"] == "lifespan.shutdown"
    await send({"type": "lifespan.shutdown.complete"})


async def recall(scope: Any, send: Any) -> None:
    case, _, key = scope["query_string"].decode().partition("&")
    notes = notes_of(case)
    await notes.until(key)
    await answer(send, notes.facts)


async def cue(scope: Any, send: Any) -> None:
    case, _, key = scope["query_string"].decode().partition("&")
    notes_of(case).cue(key)
    await answer(send, None)


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        return await lifespan(scope, receive, send)
    names = scope["path"].split("/")
    if "recall" in names:
        return await recall(scope, send)
    if "cue" in names:
        return await cue(scope, send)
    scene = next(SCENES[name] for name in names if name in SCENES)
    if scene is tasks.quick:  # asked beside another scene of the case, whose notes it leaves alone
        return await tasks.quick(scope, receive, send)
    case = dict(tuple(pair) for pair in scope["headers"]).get(b"x-case", b"none")
    notes: Notes = notes_of(case.decode())
    try:
        await scene(scope, receive, send, notes)
    except BaseException as error:
        notes.note(raised=[kind.__name__ for kind in type(error).__mro__])
        raise
    finally:
        notes.note(ended=True)
    return None
