#!/usr/bin/env bash
# Werkzeug 3.1.9: send_file(conditional=True) answers a failed If-Match with 412 and the whole file,
# and a Range beside an If-None-Match that matches with 206 instead of 304.
#
# One would guess that a failed precondition is a short answer, as its 304 is, and that conditions are
# looked at in the order of RFC 9110 section 13.2.2: If-None-Match before Range.  The status of the
# 412 is set on a response that goes on carrying the file, with its Content-Length and media type: a
# client that guards a large download by If-Match gets all of the version that it did not want.  And a
# cache that revalidates a part is sent the part.  Flask's send_file and send_from_directory are built
# on it, and a server in front can do nothing about either.
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

path, size = sys.argv[1], 1 << 20
with open(path, "wb") as file:
    file.write(bytes(size))


@Request.application
def app(request):
    return send_file(path, request.environ, conditional=True)


client = Client(app, Response)


def get(**fields):
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    answer = client.get("/", headers=named)
    return answer.status_code, len(answer.data)


etag = client.get("/").headers["ETag"]
seen = {
    "If-None-Match that matches": get(If_None_Match=etag),
    "the same and Range: bytes=0-9": get(If_None_Match=etag, Range="bytes=0-9"),
    "If-Match that does not match": get(If_Match='"another"'),
}
for case, (status, length) in seen.items():
    print(f"werkzeug {version('werkzeug')}: {case}: {status} with {length} bytes")
expected = [(304, 0), (206, 10), (412, size)]
sys.exit(0 if list(seen.values()) == expected else 1)
PY
