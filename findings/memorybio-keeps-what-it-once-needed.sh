#!/usr/bin/env bash
# CPython 3.11 with OpenSSL 3: an ssl.MemoryBIO that has been read to its end goes on holding the
# memory of the most that was ever in it.
#
# One would guess that read(), which takes the bytes out, gives the memory back: `pending` is 0 and
# there is no call to do it.  A server that seals 64 KiB at a time for each of many connections
# keeps that much a connection for as long as it is open, also when it is idle; what helps is to
# seal less at a time, or a new object.
#
# Exits 0 while it is so, 1 when it changed, 2 when it could not be tried.
set -euo pipefail
python=${PYTHON:-python3}
[ -r /proc/self/statm ] || exit 2
"$python" - <<'PY'
import os
import ssl
import sys

PAGE = os.sysconf("SC_PAGE_SIZE")
SIZE = 64 << 20


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * PAGE >> 20


data = bytes(1 << 20)
bio = ssl.MemoryBIO()
before = resident()
for _ in range(SIZE >> 20):
    bio.write(data)
while bio.pending:
    bio.read(1 << 20)
kept = resident() - before
del bio
left = resident() - before
print(
    f"Python {sys.version.split()[0]}, {ssl.OPENSSL_VERSION}: 64 MiB written and read, "
    f"{kept} MiB kept while pending is 0, {left} MiB once the object is gone"
)
sys.exit(0 if kept >= 48 and left <= 16 else 1)
PY
