"""Scenes that tell what was in the scope.

Runs in: worker
"""

from __future__ import annotations

from typing import Any

from .notes import Notes, answer

KEYS = (
    "type", "asgi", "http_version", "method", "scheme", "path", "raw_path", "query_string",
    "root_path", "extensions", "subprotocols",
)  # fmt: skip


def told(scope: Any) -> dict[str, Any]:
    """The scope as a literal, with the names of the types beside it."""
    facts = {key: scope[key] for key in KEYS if key in scope}
    facts["headers"] = [tuple(pair) for pair in scope["headers"]]
    for key in ("client", "server"):
        facts[key] = None if scope.get(key) is None else tuple(scope[key])
    facts["types"] = {key: type(scope[key]).__name__ for key in scope}
    facts["class"] = type(scope).__name__
    extensions = {name: dict(more) for name, more in scope.get("extensions", {}).items()}
    if "client_cert_chain" in extensions.get("tls", {}):
        extensions["tls"]["client_cert_chain"] = list(extensions["tls"]["client_cert_chain"])
    facts["extensions"] = extensions
    return facts


async def scope(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await answer(send, told(scope))


async def leave_a_mark(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Was there the mark of a request before?  Leave one."""
    was_there = (
        "mark" in scope,
        any("mark" in more for more in scope.get("extensions", {}).values()),
    )
    scope["mark"] = True
    scope["headers"] = []
    await answer(send, was_there)


async def state(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Change the copy, and what it refers to."""
    found = scope["state"]
    before = found["number"], len(found["shared"])
    found["number"] += 1
    found["shared"].append("seen")
    await answer(send, (type(found).__name__, *before))


SCENES = {"scope": scope, "leave_a_mark": leave_a_mark, "state": state}
