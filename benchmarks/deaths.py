"""What one request a second that kills its worker costs all others: python -m benchmarks.deaths.

One client sends a request in which the application calls _exit(2) (`--way kill`: is sent SIGKILL;
`--way crash`: faults), once a second, while others send
ordinary ones as quickly as they are answered, each on a connection of its own or on one that is
kept.  A request is lost when its connection is refused, reset or ended before the whole answer has
come, or when that takes longer than PATIENCE.  The servers take turns, so that a busy moment of the
machine meets all of them.  With --check the command ends with 1 when fastfork loses more than
gunicorn does with as many workers and threads.

Noise: what is lost depends on what is under way at the moment of each death; so many deaths are
needed, and `most` is the longest time in which none of the others was answered.

Runs in: cli
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module

from benchmarks.kit.launch import environment, free_port, stop
from benchmarks.kit.servers import ROOT

CLIENTS = 8
PERIOD = 1.0  # seconds between two deaths
PATIENCE = 5.0  # seconds for one answer
START_SECONDS = 20.0
SHAPES = {"sync": (), "threads 4": ("--threads", "4")}
PROGRAMS = ("fastfork", "gunicorn")
WAYS = {
    "/exit": lambda: os._exit(1),
    "/kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "/crash": lambda: ctypes.string_at(0),
}
WANTED = b"\r\n\r\nok"


def app(environ, start_response):
    """Runs in: worker."""
    if environ["PATH_INFO"] in WAYS:
        WAYS[environ["PATH_INFO"]]()
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


@dataclass
class Tally:
    """What became of the requests of all clients but the one that kills."""

    served: int = 0
    lost: int = 0
    most: float = 0.0
    deaths: int = 0
    last: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, *, is_served: bool) -> None:
        """One more request is over."""
        with self.lock:
            if not is_served:
                self.lost += 1
                return
            now = time.monotonic()
            self.served += 1
            self.most = max(self.most, now - self.last)
            self.last = now

    def add(self, other: Tally) -> None:
        """Take in another round."""
        self.served += other.served
        self.lost += other.lost
        self.deaths += other.deaths
        self.most = max(self.most, other.most)


class Client:
    """Sends one request after the other.  keeps: on one connection, while the server lets it."""

    def __init__(self, port: int, *, keeps: bool) -> None:
        self.port = port
        self.keeps = keeps
        self.sock: socket.socket | None = None

    def ask(self, path: str = "/") -> bool:
        """Whether the whole answer has come."""
        last = b"" if self.keeps else b"Connection: close\r\n"
        request = b"GET " + path.encode() + b" HTTP/1.1\r\nHost: h\r\n" + last + b"\r\n"
        try:
            if self.sock is None:
                self.sock = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
            self.sock.sendall(request)
            got = b""
            while WANTED not in got:
                data = self.sock.recv(4096)
                if not data:
                    raise ConnectionResetError
                got += data
        except OSError:
            self.close()
            return False
        if not self.keeps or b"connection: close" in got.lower():
            self.close()
        return True

    def close(self) -> None:
        """Begin anew with the next request."""
        if self.sock is not None:
            self.sock.close()
            self.sock = None


def load(port: int, seconds: float, way: str, *, keeps: bool) -> Tally:
    """Clients beside the one that kills."""
    tally, end = Tally(), time.monotonic() + seconds

    def work() -> None:
        client = Client(port, keeps=keeps)
        while time.monotonic() < end:
            tally.note(is_served=client.ask())
        client.close()

    threads = [threading.Thread(target=work) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    killer = Client(port, keeps=False)
    while time.monotonic() < end:
        time.sleep(PERIOD)
        killer.ask(f"/{way}")
        tally.deaths += 1
    for thread in threads:
        thread.join()
    tally.most = max(tally.most, time.monotonic() - tally.last - PERIOD)
    return tally


@contextmanager
def serving(program: str, options: Sequence[str]) -> Iterator[int]:
    """The port of a server that answers."""
    port = free_port()
    command = [sys.executable, "-m", program, "--bind", f"127.0.0.1:{port}", *options]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*command, "benchmarks.deaths:app"],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            deadline = time.monotonic() + START_SECONDS
            while not Client(port, keeps=False).ask():
                if time.monotonic() > deadline or process.poll() is not None:
                    sys.exit(f"{' '.join(command)} does not answer")
                time.sleep(0.05)
            yield port
        finally:
            stop(process)


def main() -> int:
    """Measure.  Returns the exit code."""
    options = _options()
    names = " beside ".join(f"{name} {import_module(name).__version__}" for name in PROGRAMS)
    print(f"{names}; {CLIENTS} clients, a death each {PERIOD:g} s, Python {sys.version.split()[0]}")
    print(f"{'shape':10} {'w':>2} {'clients':7} {'server':9} {'deaths':>6} {'served':>7} "
          f"{'lost':>5} {'most without':>12}")  # fmt: skip
    is_worse = False
    for shape in options.shapes.split(","):
        for workers in (int(word) for word in options.workers.split(",")):
            for keeps in (False, True):
                found = _beside(shape, workers, options, keeps=keeps)
                is_worse |= found["fastfork"].lost > found["gunicorn"].lost
    return int(is_worse and options.check)


def _beside(
    shape: str, workers: int, options: argparse.Namespace, *, keeps: bool
) -> dict[str, Tally]:
    found = {program: Tally() for program in PROGRAMS}
    for _ in range(options.rounds):
        for program in PROGRAMS:
            with serving(program, ["--workers", str(workers), *SHAPES[shape]]) as port:
                found[program].add(load(port, options.seconds, options.way, keeps=keeps))
    for program, tally in found.items():
        print(
            f"{shape:10} {workers:2} {'kept' if keeps else 'new':7} {program:9} "
            f"{tally.deaths:6} {tally.served:7} {tally.lost:5} {tally.most * 1e3:9.0f} ms",
            flush=True,
        )
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deaths")
    parser.add_argument("--seconds", type=float, default=10.0, help="of one round")
    parser.add_argument("--way", choices=[way[1:] for way in WAYS], default="exit")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--shapes", default=",".join(SHAPES), help=" or ".join(SHAPES))
    parser.add_argument("--check", action="store_true", help="end with 1 if more is lost")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
