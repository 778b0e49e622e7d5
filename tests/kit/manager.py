"""A service manager for tests: what sd_notify(3) and sd_listen_fds(3) see of systemd.

Runs in: cli
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence

from tests.kit.waiting import wait_until

# Moves the sockets to 3, 4, ..., says that they are for this process, and becomes the server.
ACTIVATE = """
import fcntl, os, sys
names, sockets, *command = sys.argv[1:]
kept = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 100) for fd in sockets.split(",")]
for number, fd in enumerate(kept, 3):
    os.dup2(fd, number)
    os.close(fd)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(len(kept))
if names:
    os.environ["LISTEN_FDNAMES"] = names
os.execv(command[0], command)
"""


class NotifySocket:
    """The end that a service manager reads.  address: a path, or @NAME."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.bind("\0" + address[1:] if address.startswith("@") else address)
        self._sock.setblocking(False)
        self.messages: list[dict[str, str]] = []

    def read(self) -> list[dict[str, str]]:
        """Every message so far, as NAME -> VALUE."""
        while True:
            try:
                text = self._sock.recv(4096).decode()
            except BlockingIOError:
                return self.messages
            self.messages.append(dict(line.split("=", 1) for line in text.splitlines()))

    def wait_for(self, name: str, *, count: int = 1) -> dict[str, str]:
        """Wait until `name` was told `count` times.  Returns the message of the last one."""

        def there() -> list[dict[str, str]]:
            found = [message for message in self.read() if name in message]
            return found if len(found) >= count else []

        return wait_until(there, lambda: f"{name} (x {count}); told: {self.messages}")[-1]

    def order(self) -> list[str]:
        """The states that were told, in order."""
        states = ("READY", "RELOADING", "STOPPING")
        return [name for message in self.read() for name in message if name in states]

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()


def activation(names: str, sockets: Sequence[socket.socket]) -> tuple[list[str], list[int]]:
    """`through` and `pass_fds` of a server that is handed `sockets`; names: FDNAMES, or ''."""
    fds = [sock.fileno() for sock in sockets]
    return [sys.executable, "-c", ACTIVATE, names, ",".join(map(str, fds))], fds
