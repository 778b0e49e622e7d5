"""Scenes that do what asyncio offers.

Runs in: worker
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import Any

from .notes import Notes, answer

variable = contextvars.ContextVar("variable", default="unset")
lifespan_variable = contextvars.ContextVar("lifespan_variable", default="unset")
_loops: list[object] = []


def remember_loop() -> None:
    _loops.append(asyncio.get_running_loop())


async def the_loop(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await answer(send, _loops == [asyncio.get_running_loop()])


async def current_task(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """A task of asyncio's, which is the same before and after a wait."""
    task = asyncio.current_task()
    is_task = isinstance(task, asyncio.Task)
    is_known = task in asyncio.all_tasks()
    await asyncio.sleep(0)
    await answer(send, (is_task, is_known, asyncio.current_task() is task))


async def time_limit(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """A limit that is kept, and one that is not."""
    told = []
    async with asyncio.timeout(60):
        await asyncio.sleep(0)
        told.append("kept")
    try:
        async with asyncio.timeout(0.001):
            await asyncio.Event().wait()
    except TimeoutError:
        told.append("exceeded")
    await answer(send, told)


async def task_group(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """A group whose first error cancels the others."""
    cancelled = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(1)
            raise

    async def fail() -> None:
        await asyncio.sleep(0)
        raise KeyError("one")

    errors = []
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(wait())
            group.create_task(wait())
            group.create_task(fail())
    except* KeyError as group_error:
        errors = [type(error).__name__ for error in group_error.exceptions]
    await answer(send, (errors, len(cancelled)))


async def to_thread(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """In another thread, with the variables of this context."""
    variable.set("of the request")
    ident, value = await asyncio.to_thread(lambda: (threading.get_ident(), variable.get()))
    await answer(send, (ident != threading.get_ident(), value))


async def woken_by_a_thread(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """A future that a thread sets, while the loop has nothing to do."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[str] = loop.create_future()
    timer = threading.Timer(0.05, loop.call_soon_threadsafe, (future.set_result, "woken"))
    timer.start()
    await answer(send, await future)
    timer.join()


async def own_connection(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Sockets of the application's own in this loop: a server, and a client to it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readline()).upper())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"through the loop\n")
        line = await reader.readline()
        writer.close()
        await writer.wait_closed()
    await answer(send, line)


async def subprocess(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    process = await asyncio.create_subprocess_exec(
        "echo", "from a child", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    await answer(send, (out, process.returncode))


async def variables(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """What was there, then set it for nobody else."""
    before = variable.get(), lifespan_variable.get()
    variable.set(f"of another request, {notes!r}")
    lifespan_variable.set("of another request")
    await asyncio.sleep(0)
    child = await asyncio.create_task(asyncio.to_thread(variable.get))
    await answer(send, (*before, child == variable.get()))


async def held(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Wait for the cue, without receive()."""
    notes.note(waits=True)
    await notes.wait_for_cue()
    await answer(send, "held")


async def quick(scope: Any, receive: Any, send: Any, notes: Notes | None = None) -> None:
    await answer(send, "quick")


async def background(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Answer, and go on for a while."""
    await answer(send, "answered")
    notes.note(answered=True)
    await notes.wait_for_cue()
    notes.note(finished=True)


async def in_its_own_time(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Hear that the client has left; then clean up for a while, and nobody cancels that."""
    await receive()
    notes.note(waits=True)
    await receive()
    try:
        for _ in range(20):
            await asyncio.sleep(0.001)
    except asyncio.CancelledError:
        notes.note(cancelled=True)
        raise
    notes.note(cleaned=True)


SCENES = {
    scene.__name__: scene
    for scene in (
        the_loop, current_task, time_limit, task_group, to_thread, woken_by_a_thread,
        own_connection, subprocess, variables, held, quick, background, in_its_own_time,
    )
}  # fmt: skip
