#!/usr/bin/env bash
# Starlette 1.10.0: of two ranges, one in the file and one behind its end, FileResponse refuses both
# with 416; a unit that it does not know is 400.
#
# One would guess 206 with the part that is there, since RFC 9110 section 15.5.17 has 416 for a set of
# which no range can be satisfied; and 200 with the whole file for the unit, which section 14.2 has a
# server ignore.  FastAPI's StaticFiles and FileResponse are these.  A client that probes with a unit
# of its own, or asks for two parts of a file that has become shorter, gets an error where other
# servers send what there is.
#
# Exits 0 while it is so, 1 when it changed, 2 when it could not be tried.
set -euo pipefail
python=${PYTHON:-python3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" -m venv "$folder/venv" || exit 2
"$folder/venv/bin/pip" install -q starlette==1.10.0 || exit 2
"$folder/venv/bin/python" - "$folder/file.bin" <<'PY'
import asyncio
import sys
from importlib.metadata import version

from starlette.responses import FileResponse

path = sys.argv[1]
with open(path, "wb") as file:
    file.write(bytes(100))


def get(asked):
    """The status of the response to a GET with this Range."""
    sent = []

    async def receive():
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "asgi": {"spec_version": "2.5"}, "method": "GET", "path": "/"}
    scope["headers"] = [(b"range", asked.encode())]
    asyncio.run(asyncio.wait_for(FileResponse(path)(scope, receive, send), 30))
    return sent[0]["status"]


seen = {}
for asked in ("bytes=0-1", "bytes=0-1,10-11", "bytes=0-1,200-300", "lines=0-1"):
    seen[asked] = get(asked)
    print(f"starlette {version('starlette')}: Range: {asked} of 100 bytes: {seen[asked]}")
sys.exit(0 if list(seen.values()) == [206, 206, 416, 400] else 1)
PY
