"""Thousands of slow clients in one process: python -m benchmarks.slow.clients PORT COUNT KINDS.

KINDS is some of head,upload,reader,silent: each client is one of them in turn. A head or an upload
goes on by a byte each period, a reader takes 64 bytes each second of an answer of 16 MiB. They
go on until every one of them has been ended, or standard input is closed; then a JSON object
on standard output says how each kind ended and when. A line "open" before that says that all
have been opened.

Runs in: cli
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import re
import resource
import select
import socket
import ssl
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from benchmarks.slow import tls as slow_tls

SLOTS = 1000  # of a period; the clients of one slot take their step together
READ_BYTES = 64
RECEIVE_BYTES = 4096
# As over Ethernet. Loopback's own 64 KiB make the kernel take 2.6 MB of an answer from the
# server for each client, and with a thousand of them refuse memory to everyone (tcp_mem).
SEGMENT_BYTES = 1460
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
_ENOUGH = 64  # bytes that hold a status line


@dataclass(frozen=True)
class Kind:
    """A way to be slow: what is sent at once, and what goes on a little then."""

    first: bytes
    reads: bool = False
    drips: bool = True


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "head": Kind(b"GET / HTTP/1.1\r\nHost: slow\r\nX-Drip: "),
        "upload": Kind(b"POST /upload HTTP/1.1\r\nHost: slow\r\nContent-Length: 1000000\r\n\r\n"),
        "reader": Kind(b"GET /large HTTP/1.1\r\nHost: slow\r\n\r\n", reads=True),
        "silent": Kind(b"", drips=False),
    }
)


class SlowClient:
    """One connection.  began: when its first bytes were sent; ended: when it was over.

    context: None where it speaks in the clear."""

    __slots__ = ("began", "context", "ended", "how", "kind", "received", "sock", "started")

    def __init__(self, kind: str, port: int, context: ssl.SSLContext | None) -> None:
        self.kind = kind
        self.context = context
        self.sock: socket.socket
        self.received = b""
        self.how = ""
        self.started = False
        self.began = self.ended = time.monotonic()
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
        try:
            self.sock.connect(("127.0.0.1", port))
        except BlockingIOError:
            pass

    def step(self) -> None:
        """Be a little less unfinished: a byte more of what is sent, or 64 read."""
        if self.how or not self.started:
            return
        try:
            if KINDS[self.kind].reads:
                self.take(READ_BYTES)
            elif KINDS[self.kind].drips:
                self.sock.send(b"a")
        except slow_tls.NOT_NOW:
            pass
        except OSError as error:
            self.end(error)

    def ready(self, events: int) -> None:
        """The poller has something to say."""
        if self.how:
            return
        try:
            if not self.started and (events & select.EPOLLOUT or self.shakes):
                self.shake()
                if KINDS[self.kind].first:
                    self.sock.send(KINDS[self.kind].first)
                self.started = True
                self.began = time.monotonic()
            elif KINDS[self.kind].reads and events & (select.EPOLLERR | select.EPOLLHUP):
                self.take(RECEIVE_BYTES)  # a reset is learnt at once, data would come first
            elif events:
                self.take(RECEIVE_BYTES)
        except slow_tls.NOT_NOW:
            pass
        except OSError as error:
            self.end(error)

    @property
    def shakes(self) -> bool:
        """Whether it is in a handshake."""
        return not self.started and isinstance(self.sock, ssl.SSLSocket)

    def shake(self) -> None:
        """Go on with the handshake, if there is one.  Raises one of NOT_NOW until it is done."""
        if self.context is None:
            return
        if not isinstance(self.sock, ssl.SSLSocket):
            self.sock = slow_tls.begin(self.sock, self.context)
        self.sock.do_handshake()

    def take(self, size: int) -> None:
        """Receive once; only the beginning is kept."""
        data = self.sock.recv(size)
        if not data:
            self.end(None)
        elif len(self.received) < _ENOUGH:
            self.received += data[:_ENOUGH]

    @property
    def status(self) -> str:
        """Of the answer, "" before there is one."""
        found = _STATUS.match(self.received)
        return found[1].decode() if found else ""

    def end(self, error: OSError | None) -> None:
        """It is over: say how in a few words."""
        words = [self.status] if self.status else []
        # Sending into a connection that TLS has ended (SSL_ERROR_EOF).
        if error is None or isinstance(error, ssl.SSLEOFError):
            words.append("end" if words else "closed")
        else:
            words.append(
                "reset"
                if error.errno in (errno.ECONNRESET, errno.EPIPE)
                else errno.errorcode.get(error.errno or 0, str(error))
            )
        self.how = " ".join(words)
        self.ended = time.monotonic()
        self.sock.close()


class Crowd:
    """All slow clients of a run, opened one after the other."""

    def __init__(
        self, port: int, kinds: Sequence[str], period: float, rate: float, tls: bool
    ) -> None:
        self.port, self.kinds, self.period, self.rate = port, kinds, period, rate
        self.context = slow_tls.client_context() if tls else None
        self.poller = select.epoll()
        self.poller.register(0, select.EPOLLHUP | select.EPOLLIN)
        self.clients: list[SlowClient] = []
        self.by_fd: dict[int, SlowClient] = {}
        self.open = 0
        self.connecting = 0
        self.told = False

    def play(self, count: int, longest: float) -> None:
        """Until everyone has been ended, standard input is closed, or `longest` seconds."""
        began = time.monotonic()
        slot = 0
        while (now := time.monotonic()) - began < longest:
            while len(self.clients) < min(count, (now - began) * self.rate):
                self.add()
            if len(self.clients) == count and not self.open:
                return
            if not self.told and len(self.clients) == count and not self.connecting:
                self.told = True
                print("open", flush=True)
            due = began + (slot + 1) * self.period / SLOTS
            for fd, events in self.poller.poll(max(0.0, min(due - now, 0.01)), 1024):
                if fd == 0:
                    return
                self.handle(fd, events)
            # A turn late at the most: who has no processor for a while does not catch up.
            passed = int((time.monotonic() - began) * SLOTS / self.period)
            for late in range(max(slot, passed - SLOTS), passed):
                self.step(late % SLOTS)
            slot = max(slot, passed)

    def step(self, slot: int) -> None:
        """The clients of this slot go on."""
        for client in self.clients[slot::SLOTS]:
            fd = client.sock.fileno()
            client.step()
            self.settle(fd, client)

    def add(self) -> None:
        """One client more."""
        kind = self.kinds[len(self.clients) % len(self.kinds)]
        client = SlowClient(kind, self.port, self.context)
        self.clients.append(client)
        self.by_fd[client.sock.fileno()] = client
        self.poller.register(client.sock.fileno(), select.EPOLLOUT)
        self.open += 1
        self.connecting += 1

    def handle(self, fd: int, events: int) -> None:
        """Give a client its news."""
        client = self.by_fd[fd]
        was_started = client.started
        client.ready(events)
        if not was_started and (client.started or client.how):
            self.connecting -= 1
        if client.started and not was_started and not client.how:
            # For a reader nothing but its end is news: it reads when it likes.
            self.poller.modify(fd, 0 if KINDS[client.kind].reads else select.EPOLLIN)
        elif client.shakes and not client.how:
            self.poller.modify(fd, select.EPOLLIN)
        self.settle(fd, client)

    def settle(self, fd: int, client: SlowClient) -> None:
        """Forget one that has ended."""
        if client.how and fd in self.by_fd:
            del self.by_fd[fd]
            self.open -= 1

    def report(self) -> dict[str, dict[str, dict[str, float]]]:
        """{kind: {how: {count, first, last}}}; first and last are seconds after its first
        bytes, of which those still open have none."""
        told: dict[str, dict[str, dict[str, float]]] = {}
        for client in self.clients:
            how = client.how or f"{client.status} open".strip()
            if not client.started:
                how = f"never connected {client.how}".strip()
            entry = told.setdefault(client.kind, {}).setdefault(how, {"count": 0})
            entry["count"] += 1
            if client.how:
                took = round(client.ended - client.began, 2)
                entry["first"] = min(entry.get("first", took), took)
                entry["last"] = max(entry.get("last", took), took)
        return told


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slow.clients")
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("kinds", type=lambda text: text.split(","))
    parser.add_argument("--period", type=float, default=1.0, help="seconds between two steps")
    parser.add_argument("--opened", type=float, default=1000.0, help="clients opened a second")
    parser.add_argument("--longest", type=float, default=120.0, help="seconds at most")
    parser.add_argument("--tls", action="store_true", help="speak TLS")
    options = parser.parse_args(argv)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < options.count + 50:
        print(f"{options.count + 50} descriptors are needed, ulimit -Hn is {hard}", file=sys.stderr)
        return 1
    crowd = Crowd(options.port, options.kinds, options.period, options.opened, options.tls)
    crowd.play(options.count, options.longest)
    print(json.dumps(crowd.report()), flush=True)
    # Not one by one: the kernel closes what is still open, and the report is out.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
