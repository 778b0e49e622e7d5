"""A client that asks so often and no more.

python -m benchmarks.kit.paced PORT RATE SECONDS CONNECTIONS.  The requests go over kept
connections in turn, each at its moment of a fixed schedule; a server that closes is connected to
anew.  The last line printed is JSON, as that of load.lua.

Runs in: cli
"""

from __future__ import annotations

import json
import socket
import statistics
import sys
import time

REQUEST = b"GET / HTTP/1.1\r\nHost: paced\r\n\r\n"
CLOSES = b"connection: close"
RIGHT, RIGHT_END = b"HTTP/1.1 200 ", b"Hello, World!"
PATIENCE = 5.0  # seconds for one answer


class Client:
    """One connection, made anew when the server has closed it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connection: socket.socket | None = None

    def ask(self) -> str:
        """One request and its answer: the kind of error, "" for none."""
        if self.connection is None:
            self.connection = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answer = b""
        try:
            self.connection.sendall(REQUEST)
            while not answer.endswith(RIGHT_END):
                data = self.connection.recv(4096)
                if not data:
                    return "read"
                answer += data
        except TimeoutError:
            return "timeout"
        except OSError:
            return "read"
        if CLOSES in answer.lower():
            self.close()
        return "" if answer.startswith(RIGHT) else "status"

    def close(self) -> None:
        """Until the next request."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def play(port: int, rate: float, seconds: float, count: int) -> dict[str, object]:
    """Keep to the schedule; what happened."""
    clients = [Client(port) for _ in range(count)]
    took: list[float] = []
    errors: dict[str, int] = {}
    began = time.monotonic()
    for number in range(round(rate * seconds)):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        asked = time.monotonic()
        error = clients[number % count].ask()
        took.append(time.monotonic() - asked)
        if error:
            errors[error] = errors.get(error, 0) + 1
            break
    time.sleep(max(0.0, began + seconds - time.monotonic()))
    duration = time.monotonic() - began
    for client in clients:
        client.close()
    percentiles = statistics.quantiles(took, n=100) if len(took) > 1 else [0.0] * 99
    return {
        "requests": len(took),
        "duration_us": round(duration * 1e6),
        "p50_us": round(percentiles[49] * 1e6),
        "p99_us": round(percentiles[98] * 1e6),
        "errors": errors,
    }


def main(argv: list[str]) -> None:
    """argv: port, requests a second, seconds, connections."""
    port, rate, seconds, count = argv
    print(json.dumps(play(int(port), float(rate), float(seconds), int(count))))


if __name__ == "__main__":
    main(sys.argv[1:])
