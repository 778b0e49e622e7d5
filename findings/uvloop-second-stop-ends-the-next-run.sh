#!/usr/bin/env bash
# uvloop 0.21.0: stop() called twice while the loop runs ends the next run as well.
#
# One would guess that stop() is a wish about the run that is on: asyncio's loop forgets it when that
# run ends, however often it was said.  With uvloop the second call is still there when the loop is
# run again, and run_until_complete() raises "Event loop stopped before Future completed." for a
# coroutine that nobody has stopped.  Who cleans up in the loop after its end (shutdown_asyncgens(),
# say) does not get to it.
#
# Exits 0 while it is so, 1 when it changed, 2 when it could not be tried.
set -euo pipefail
python=${PYTHON:-python3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" -m venv "$folder/venv" || exit 2
"$folder/venv/bin/pip" install -q uvloop==0.21.0 || exit 2
"$folder/venv/bin/python" -W ignore - <<'PY'
import asyncio
import sys

import uvloop


def next_run(loop, stops):
    """What becomes of a run after one that was stopped so many times."""

    def stop():
        loop.stop()
        if stops == 2:
            loop.call_soon(loop.stop)

    loop.call_soon(stop)
    loop.run_forever()
    try:
        return loop.run_until_complete(asyncio.sleep(0.01, "completed"))
    except RuntimeError as error:
        return f"RuntimeError: {error}"
    finally:
        loop.close()


found = {
    (name, stops): next_run(make(), stops)
    for name, make in (("asyncio", asyncio.new_event_loop), ("uvloop", uvloop.new_event_loop))
    for stops in (1, 2)
}
for (name, stops), became in found.items():
    print(f"{name}, stopped {stops} time(s), then run again: {became}")
print(f"uvloop {uvloop.__version__}, Python {sys.version.split()[0]}")
usual = [became for key, became in found.items() if key != ("uvloop", 2)]
sys.exit(0 if set(usual) == {"completed"} and "RuntimeError" in found["uvloop", 2] else 1)
PY
