#!/usr/bin/env bash
# anyio 4.16.0: in an asyncio loop that is run by run_forever(), a thread of to_thread.run_sync()
# ends with the task that asked for it, so tasks one after the other have a new thread each.
#
# One would guess that its pool of threads belongs to the loop, as asyncio's own executor does, and
# that the next task finds the idle thread of the one before.  The threads belong to the loop's
# "root task" instead: the one that run_until_complete() or asyncio.run() has made.  Where there is
# none, the task that happens to ask first is taken for it, and its end ends the threads.  A server
# that calls run_forever() and makes a task a request so pays for a thread with each request whose
# handler is no coroutine.
#
# Exits 0 while it is so, 1 when it changed, 2 when it could not be tried.
set -euo pipefail
python=${PYTHON:-python3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" -m venv "$folder/venv" || exit 2
"$folder/venv/bin/pip" install -q anyio==4.16.0 || exit 2
"$folder/venv/bin/python" - <<'PY'
import asyncio
import sys
import threading
from importlib.metadata import version

import anyio.to_thread

TASKS = 5


async def one_after_the_other(seen):
    """As a server has them: each task is made when the one before has ended."""
    loop = asyncio.get_running_loop()
    for _ in range(TASKS):
        task = loop.create_task(anyio.to_thread.run_sync(threading.get_native_id))
        seen.append(await task)


def forever():
    loop = asyncio.new_event_loop()
    seen = []

    def follow(task=None):
        if task is not None:
            seen.append(task.result())
        if len(seen) == TASKS:
            loop.stop()
        else:
            made = loop.create_task(anyio.to_thread.run_sync(threading.get_native_id))
            made.add_done_callback(follow)

    loop.call_soon(follow)
    loop.run_forever()
    loop.close()
    return len(set(seen))


rooted = []
asyncio.run(one_after_the_other(rooted))
apart, together = forever(), len(set(rooted))
print(f"anyio {version('anyio')}, Python {sys.version.split()[0]}: {TASKS} tasks one after the "
      f"other used {apart} threads under run_forever(), {together} under asyncio.run()")
sys.exit(0 if apart == TASKS and together == 1 else 1)
PY
