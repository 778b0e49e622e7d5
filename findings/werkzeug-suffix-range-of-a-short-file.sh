#!/usr/bin/env bash
# Werkzeug 3.1.9: "the last 500 bytes" of a file of 100 bytes is refused with 416, as are two ranges
# that both lie in the file.
#
# One would guess that a suffix longer than the file is the whole file, as RFC 9110 section 14.1.2
# says, and that a server which sends one part only ignores a field with two, as section 14.2 allows.
# A client that fetches the end of a file to read an index there (zip, mp4, parquet) asks for a fixed
# number of bytes: its small files fail, its large ones do not.
#
# Exits 0 while it is so, 1 when it changed, 2 when it could not be tried.
set -euo pipefail
python=${PYTHON:-python3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" -m venv "$folder/venv" || exit 2
"$folder/venv/bin/pip" install -q werkzeug==3.1.9 || exit 2
"$folder/venv/bin/python" - "$folder/file.bin" <<'PY'
import sys
from importlib.metadata import version

from werkzeug.test import Client
from werkzeug.utils import send_file
from werkzeug.wrappers import Request, Response

path = sys.argv[1]
with open(path, "wb") as file:
    file.write(bytes(100))


@Request.application
def app(request):
    return send_file(path, request.environ, conditional=True)


client = Client(app, Response)
seen = {}
for asked in ("bytes=-50", "bytes=-100", "bytes=-500", "bytes=90-500", "bytes=0-1,10-11"):
    seen[asked] = client.get("/", headers={"Range": asked}).status_code
    print(f"werkzeug {version('werkzeug')}: Range: {asked} of 100 bytes: {seen[asked]}")
sys.exit(0 if list(seen.values()) == [206, 206, 416, 206, 416] else 1)
PY
