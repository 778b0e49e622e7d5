"""Autobahn's fuzzing client on `-k asgi`: python -m tests.asgi.autobahn FOLDER [CASE ...]

Starts a server whose application sends messages back, and tools/autobahn, which installs the client
into FOLDER and prints the verdicts.  The exit code is that of tools/autobahn.

Runs in: cli
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.kit.server import ROOT, RunningServer


def main(argv: Sequence[str]) -> int:
    """Play the cases, all of them when none are named."""
    folder, *cases = argv
    with tempfile.TemporaryDirectory(prefix="fastfork-autobahn-") as files:
        server = RunningServer(Path(files), "asgi_echo:app", ["-k", "asgi"])
        try:
            server.wait_ready()
            url = server.url.replace("http", "ws", 1) + "/"
            program = str(ROOT / "tools" / "autobahn")
            return subprocess.run([program, folder, url, *cases], check=False).returncode
        finally:
            server.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
