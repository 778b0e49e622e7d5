"""One quick client among slow ones: python -m benchmarks.slow.quick_client PORT.

It asks for a tiny page on a new connection so many times a second, on a fixed schedule: a
request that has to wait does not put off the next one, as it would not put off another person.
Latency counts from the moment the schedule names to the end of the answer. A request is given
up after some seconds. Goes on until standard input is closed, or nothing was answered for a
while; then a JSON object on standard output tells what happened.

Runs in: cli
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import select
import socket
import ssl
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from benchmarks.slow import tls as slow_tls

REQUEST = b"GET / HTTP/1.1\r\nHost: quick\r\nConnection: close\r\n\r\n"
RIGHT, RIGHT_END = b"HTTP/1.1 200 ", b"Hello, World!"


class Attempt:
    """One request on its own connection."""

    __slots__ = ("began", "received", "sent", "sock")

    def __init__(self, began: float, port: int) -> None:
        self.began = began
        self.received = b""
        self.sent = False
        self.sock: socket.socket = socket.socket()
        self.sock.setblocking(False)
        with suppress(BlockingIOError):
            self.sock.connect(("127.0.0.1", port))


class QuickClient:
    """The requests of a run.  rate: a second; patience: seconds before one is given up."""

    def __init__(self, port: int, rate: float, patience: float, tls: bool) -> None:
        self.port, self.interval, self.patience = port, 1 / rate, patience
        self.context = slow_tls.client_context() if tls else None
        self.poller = select.epoll()
        self.poller.register(0, select.EPOLLHUP | select.EPOLLIN)
        self.waiting: dict[int, Attempt] = {}  # in the order of their beginnings
        self.latencies: list[float] = []
        self.failed: dict[str, int] = {}
        self.begun = 0
        self.answered_last = time.monotonic()
        self.is_stalled = False

    def play(self, longest: float, give_up: float) -> None:
        """Ask until told to stop, `longest` seconds, or `give_up` seconds without an answer."""
        began = self.answered_last = time.monotonic()
        asking = True
        while True:
            now = time.monotonic()
            if now - began > longest or now - self.answered_last > give_up:
                asking = False
            while asking and began + self.begun * self.interval <= now:
                self.ask(began + self.begun * self.interval)
            self.give_up_late(now)
            self.is_stalled = now - self.answered_last > give_up
            if not asking and (self.is_stalled or not self.waiting):
                break
            due = began + self.begun * self.interval if asking else now + 0.1
            for fd, events in self.poller.poll(max(0.0, due - now), 1024):
                if fd == 0:
                    self.poller.unregister(0)
                    asking = False
                else:
                    self.handle(fd, events)
        for attempt in self.waiting.values():
            self.fail(attempt, "no answer")

    def ask(self, moment: float) -> None:
        """Begin the request that was due at `moment`."""
        self.begun += 1
        attempt = Attempt(moment, self.port)
        self.waiting[attempt.sock.fileno()] = attempt
        self.poller.register(attempt.sock.fileno(), select.EPOLLOUT)

    def give_up_late(self, now: float) -> None:
        """Close those that waited too long."""
        while self.waiting:
            fd, attempt = next(iter(self.waiting.items()))
            if now - attempt.began < self.patience:
                return
            del self.waiting[fd]
            self.fail(attempt, "no answer")

    def handle(self, fd: int, events: int) -> None:
        """Go on with one request."""
        attempt = self.waiting[fd]
        try:
            if not attempt.sent:
                self.go_on(fd, attempt, events)
                return
            data = attempt.sock.recv(4096)
        except slow_tls.NOT_NOW:
            return
        except OSError as error:
            del self.waiting[fd]
            self.fail(attempt, error.strerror or "error")
            return
        attempt.received += data
        if data and not self.is_right(attempt):
            return
        del self.waiting[fd]
        if self.is_right(attempt):
            self.answered_last = time.monotonic()
            self.latencies.append(self.answered_last - attempt.began)
            attempt.sock.close()
        else:
            self.fail(attempt, "wrong answer" if attempt.received else "closed unanswered")

    def go_on(self, fd: int, attempt: Attempt, events: int) -> None:
        """Connected, or further in the handshake: send the request when that is possible."""
        if self.context is not None:
            if not isinstance(attempt.sock, ssl.SSLSocket):
                attempt.sock = slow_tls.begin(attempt.sock, self.context)
                self.poller.modify(fd, select.EPOLLIN)
            attempt.sock.do_handshake()
        attempt.sock.send(REQUEST)
        attempt.sent = True
        if self.context is None and events & select.EPOLLOUT:
            self.poller.modify(fd, select.EPOLLIN)

    def is_right(self, attempt: Attempt) -> bool:
        """Whether the page is here."""
        return attempt.received.startswith(RIGHT) and attempt.received.endswith(RIGHT_END)

    def fail(self, attempt: Attempt, why: str) -> None:
        """Count it and let go."""
        self.failed[why] = self.failed.get(why, 0) + 1
        attempt.sock.close()

    def report(self) -> dict[str, object]:
        """Counts, and latencies in milliseconds."""
        latencies = sorted(self.latencies)

        def at(share: float) -> float | None:
            """The latency that `share` of the answers did not exceed."""
            if not latencies:
                return None
            return round(latencies[min(len(latencies) - 1, int(share * len(latencies)))] * 1e3, 2)

        return {
            "stalled": self.is_stalled,
            "asked": self.begun,
            "answered": len(latencies),
            "failed": self.failed,
            "p50_ms": at(0.5),
            "p99_ms": at(0.99),
            "max_ms": at(1.0),
            "over_100_ms": sum(one > 0.1 for one in latencies),
        }


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slow.quick_client")
    parser.add_argument("port", type=int)
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second")
    parser.add_argument("--patience", type=float, default=10.0, help="seconds for an answer")
    parser.add_argument("--give-up", type=float, default=30.0, help="seconds without any answer")
    parser.add_argument("--longest", type=float, default=120.0, help="seconds at most")
    parser.add_argument("--tls", action="store_true", help="a handshake for each request")
    options = parser.parse_args(argv)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with suppress(PermissionError):
        # On the core of the slow clients: what is measured is the server, not their turns.
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    client = QuickClient(options.port, options.rate, options.patience, options.tls)
    client.play(options.longest, options.give_up)
    print(json.dumps(client.report()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
