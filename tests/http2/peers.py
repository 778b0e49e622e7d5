"""Play the corpus on other servers, to see that its cases are fair; prints who fails what.

`python -m tests.http2.peers nghttpd nginx` starts those from the PATH on a free port and ends them;
`--why` shows what went wrong, `-k TEXT` plays only some of the cases.

Runs in: cli
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tests.http2.case import Case
from tests.http2.corpus import CASES
from tests.http2.wire import Conversation, SocketTransport

PATIENCE: Final = 3.0  # seconds; a case that fails waits for so long
SIZES: Final = (10, 100, 100_000, 1_000_000)

NGINX: Final = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 128; }}
http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port} http2; root {folder}/www; client_max_body_size 10m; }} }}
"""


def nghttpd(folder: Path, port: int) -> list[str]:
    """The library's own server."""
    return ["nghttpd", "--no-tls", "-a", "127.0.0.1", "-d", str(folder / "www"), "--echo-upload",
            str(port)]  # fmt: skip


def nginx(folder: Path, port: int) -> list[str]:
    """A server with a session of its own."""
    conf = folder / "nginx.conf"
    conf.write_text(NGINX.format(folder=folder, port=port))
    return ["nginx", "-c", str(conf), "-e", str(folder / "error.log")]


PEERS: Final[dict[str, Callable[[Path, int], list[str]]]] = {"nghttpd": nghttpd, "nginx": nginx}


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def connect(port: int, deadline: float) -> socket.socket:
    """Connect, as soon as somebody listens."""
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def play(case: Case, port: int, *, of_a_peer: bool) -> str:
    """'' when the rule is kept, else what was seen."""
    with connect(port, time.monotonic() + PATIENCE) as sock:
        try:
            case.play(Conversation(SocketTransport(sock), f"127.0.0.1:{port}", of_a_peer=of_a_peer))
        except (AssertionError, TimeoutError, LookupError) as error:
            return f"{type(error).__name__}: {str(error)[:600]}"
    return ""


def main(arguments: Sequence[str]) -> int:
    """0, whatever they fail: that is what is to be seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.http2.peers")
    parser.add_argument("names", nargs="+", choices=[*PEERS])
    parser.add_argument("--why", action="store_true")
    parser.add_argument("-k", default="", metavar="TEXT")
    options = parser.parse_args(arguments)
    cases = [case for case in CASES if not case.is_own and options.k in str(case)]
    for name in options.names:
        failed = 0
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            folder.chmod(0o755)
            (folder / "www" / "large").mkdir(parents=True)
            for path in ("index.html", "echo"):
                (folder / "www" / path).write_text("hello")
            for size in SIZES:
                (folder / "www" / "large" / str(size)).write_bytes(b"x" * size)
            port = free_port()
            server = subprocess.Popen(PEERS[name](folder, port))
            try:
                connect(port, time.monotonic() + 10).close()
                for case in cases:
                    why = play(case, port, of_a_peer=True)
                    failed += bool(why)
                    if why:
                        print(f"{name} fails {case} ({case.source})")
                        if options.why:
                            print(f"    {why}")
            finally:
                server.terminate()
                server.wait()
        print(f"{name}: keeps {len(cases) - failed} of {len(cases)} rules", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
