"""WhiteNoise around an application, for benchmarks.static; BENCH_STATIC is the directory.

Runs in: cli (the server under test)
"""

from __future__ import annotations

import os

from whitenoise import WhiteNoise

from benchmarks.apps.plain import hello

app = WhiteNoise(hello, root=os.environ["BENCH_STATIC"], prefix="/static/")
