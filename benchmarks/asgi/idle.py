"""Memory of WebSockets that are open and say nothing: python -m benchmarks.asgi.idle [--help].

One server after the other: the resident memory of its processes with the connections, less that
without.

Runs in: cli
"""

from __future__ import annotations

import argparse
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.asgi.__main__ import ROWS
from benchmarks.asgi.servers import SERVERS
from benchmarks.floor.idle import NotHeld, allow_descriptors
from benchmarks.kit import processes
from benchmarks.kit.launch import CannotStart, Running, build_floor, cores, running
from benchmarks.kit.markdown import table
from benchmarks.kit.servers import FLOOR, Server
from benchmarks.kit.turns import names_of

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
# Text "hello", masked, and its echo: RFC 6455 section 5.7.
HELLO, ECHO = bytes.fromhex("818537fa213d7f9f4d5158"), b"\x81\x05Hello"
WARM_UP = 64  # connections
SETTLE_SECONDS = 2.0
PATIENCE = 30.0


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when a server cannot be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.asgi.idle", description=__doc__)
    everybody = [name for name in SERVERS if name != FLOOR]
    parser.add_argument("--servers", type=names_of(SERVERS), default=everybody)
    parser.add_argument("--connections", type=int, default=5000)
    options = parser.parse_args(argv)
    rows, code = [], 0
    allow_descriptors(options.connections + 200)
    with tempfile.TemporaryDirectory(prefix="fastfork-bench-") as scratch:
        build_floor(Path(scratch))
        for name in options.servers:
            if not SERVERS[name].installed:
                continue
            try:
                size = _measured(SERVERS[name], options.connections, Path(scratch))
            except (CannotStart, NotHeld, OSError) as error:
                print(f"{name}: {error}", file=sys.stderr)
                code = 1
            else:
                rows.append([name, f"{size / options.connections / 1000:.1f}"])
    print(table(["server", "kB a WebSocket"], rows))
    return code


def _measured(server: Server, connections: int, scratch: Path) -> int:
    """Bytes of all of them."""
    core, _load_core = cores()
    with running(server, ROWS["hello"], core, scratch) as it:
        with _opened(it, WARM_UP):
            time.sleep(SETTLE_SECONDS)
        time.sleep(SETTLE_SECONDS)
        before = processes.memory(processes.tree(it.root)).rss
        with _opened(it, connections):
            time.sleep(SETTLE_SECONDS)
            return processes.memory(processes.tree(it.root)).rss - before


@contextmanager
def _opened(it: Running, count: int) -> Iterator[None]:
    """So many WebSockets, each of which has sent a message and got it back."""
    clients: list[socket.socket] = []
    try:
        for number in range(count):
            client = socket.create_connection(("127.0.0.1", it.port), PATIENCE)
            clients.append(client)
            client.sendall(HANDSHAKE)
            if not _read(client, b"\r\n\r\n").startswith(b"HTTP/1.1 101"):
                raise NotHeld(f"handshake {number + 1} of {count} was refused")
            client.sendall(HELLO)
            if not _read(client, b"Hello").endswith(ECHO):
                raise NotHeld(f"connection {number + 1} of {count} sends nothing back")
        yield
    finally:
        for client in clients:
            client.close()


def _read(client: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        more = client.recv(4096)
        if not more:
            raise NotHeld(f"the connection has ended after {data[:60]!r}")
        data += more
    return data


if __name__ == "__main__":
    sys.exit(main())
