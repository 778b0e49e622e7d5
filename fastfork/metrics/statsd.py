"""Metrics for statsd and DogStatsD: gathered, and sent as one datagram a tick.

gunicorn sends three datagrams a request; here a request costs a few additions, and what came
together within a tick goes out together.  Counters are sums.  Of timings as many are sent as
fit, each with the share that it stands for (`|@0.25`), which is how the protocol says that it
is one of several.

The protocol: `NAME:VALUE|TYPE[|@RATE][|#TAGS]`, a metric a line (github.com/statsd/statsd
docs/metric_types.md, and DogStatsD's datagram page).

Runs in: both
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final

from fastfork import clock, unpatched
from fastfork.config.kinds.sinks import Sink

__all__ = ["METRICS", "Statsd"]

# Every metric that is sent: name -> (type, what it is).
METRICS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "gunicorn.requests": ("counter", "requests that have ended, refused ones too"),
        "gunicorn.request.duration": (
            "timer",
            "milliseconds from the call of the application to the end of the response",
        ),
        "gunicorn.request.status.NNN": ("counter", "requests by status"),
        "gunicorn.workers": ("gauge", "worker processes, about once a second"),
        "gunicorn.backlog": (
            "histogram",
            "connections that wait to be accepted (TCP only), with `enable_backlog_metric`",
        ),
        "gunicorn.log.critical": ("counter", "lines of the error log at this level"),
        "gunicorn.log.error": ("counter", "the same, without an exception"),
        "gunicorn.log.exception": ("counter", "errors with an exception"),
        "gunicorn.log.warning": ("counter", "the same"),
        "fastfork.busy": (
            "gauge",
            "requests in the application at this moment, of all workers, once a second",
        ),
        "fastfork.queue_wait": (
            "timer",
            "milliseconds that a request has waited in the workers for the application",
        ),
        "fastfork.loop_lag": (
            "timer",
            "milliseconds that the asyncio loop of a worker was held at the longest, once a second",
        ),
    }
)

# Bytes of one datagram: what an Ethernet frame carries beyond IPv6 and UDP with some room, and
# on the same machine what DogStatsD reads at once.
REMOTE_BYTES: Final = 1432
LOCAL_BYTES: Final = 8192

# Until a datagram could be sent, so many different metrics and timings are kept.
MOST_NAMES: Final = 256
MOST_TIMINGS: Final = 4096

# Who does not listen is looked for again after so many seconds.
RETRY_SECONDS: Final = 1.0
# Log lines do not send a datagram each.
LEAST_SECONDS: Final = 0.05

DURATION: Final = "gunicorn.request.duration"
QUEUE_WAIT: Final = "fastfork.queue_wait"


class _Gathered:
    """What has come since the last datagram."""

    def __init__(self) -> None:
        self.counts: dict[str, float] = {}
        self.others: dict[str, str] = {}
        self.statuses: dict[str, int] = {}
        self.durations: list[int] = []
        self.waits: list[int] = []


class Statsd:
    """Gathers metrics of this process, and sends them when `flush` is called.

    prefix: before each name.  tags: as DogStatsD takes them, '' for none.
    """

    def __init__(self, sink: Sink, *, prefix: str = "", tags: str = "") -> None:
        self._sink = sink
        self._prefix = f"{prefix}." if prefix else ""
        self._tags = f"|#{tags}" if tags else ""
        self._room = LOCAL_BYTES if sink.path else REMOTE_BYTES
        self._socket: socket.socket | None = None
        self._retry_at = float("-inf")
        self._sent_at = float("-inf")
        self.dropped = 0  # datagrams that nobody took
        self.after_fork()

    def after_fork(self) -> None:
        """Gather anew: what there was is the parent's to send, and a lock may be held there."""
        # Several threads serve, and a signal handler may log in the middle of it: in the thread
        # that holds the lock.
        self._lock = threading.RLock()
        self._gathered = _Gathered()

    def open(self) -> None:
        """Have a socket, if that is possible now.  Never raises."""
        with suppress(OSError):
            self._connected()

    def close(self) -> None:
        """Send what is left, and let the socket go."""
        self.flush()
        self._close()
        self._retry_at = float("inf")

    # -- gathering

    def request(self, status: str, duration: int) -> None:
        """A request has ended.  status: begins with three digits.  duration: nanoseconds."""
        code = status[:3]
        with self._lock:
            gathered = self._gathered
            gathered.statuses[code] = gathered.statuses.get(code, 0) + 1
            if len(gathered.durations) < MOST_TIMINGS:
                gathered.durations.append(duration)

    def queue_wait(self, waited: int) -> None:
        """A request has come to the application after so many nanoseconds."""
        waits = self._gathered.waits  # no lock: a list is appended to at once
        if len(waits) < MOST_TIMINGS:
            waits.append(waited)

    def count(self, name: str, by: float = 1) -> None:
        """Add to a counter."""
        with self._lock:
            counts = self._gathered.counts
            if name in counts or len(counts) < MOST_NAMES:
                counts[name] = counts.get(name, 0) + by

    def value(self, name: str, value: float, kind: str) -> None:
        """Set a gauge (`g`), or send a value of a histogram (`h`) or timer (`ms`)."""
        with self._lock:
            others = self._gathered.others
            if name in others or len(others) < MOST_NAMES:
                others[name] = f"{_number(value)}|{kind}"

    # -- sending

    def flush(self) -> None:
        """Send what was gathered, in one datagram; what does not fit or is not taken is dropped.

        Never waits and never raises.
        """
        with self._lock:
            # Taken away first: what comes meanwhile, from a signal handler, is the next datagram's.
            gathered, self._gathered = self._gathered, _Gathered()
            lines = self._lines(gathered)
            if not lines:
                return
            self._sent_at = clock.now()
            try:
                connection = self._connected()
                if connection is None:
                    self.dropped += 1
                else:
                    connection.send("\n".join(lines).encode())
            except OSError:  # also BlockingIOError: its buffer is full
                self.dropped += 1
                self._close()

    def flush_soon(self) -> None:
        """Do what `flush` does, but not more often than twenty times a second."""
        if clock.now() - self._sent_at >= LEAST_SECONDS:
            self.flush()

    def _lines(self, gathered: _Gathered) -> list[str]:
        """Return the lines of one datagram."""
        made: list[str] = []
        requests = sum(gathered.statuses.values())
        if requests:
            made.append(self._line("gunicorn.requests", f"{requests}|c"))
        for code, number in gathered.statuses.items():
            made.append(self._line(f"gunicorn.request.status.{code}", f"{number}|c"))
        made += [self._line(name, f"{_number(by)}|c") for name, by in gathered.counts.items()]
        made += [self._line(name, value) for name, value in gathered.others.items()]
        while made and len("\n".join(made)) > self._room:
            made.pop()
        room = self._room - sum(len(line) + 1 for line in made)
        both = bool(gathered.durations) + bool(gathered.waits)
        for name, timings in ((DURATION, gathered.durations), (QUEUE_WAIT, gathered.waits)):
            if timings:
                made += self._sample(name, timings, requests or len(timings), room // both)
        return made

    def _sample(self, name: str, timings: list[int], happened: int, room: int) -> list[str]:
        """Return as many timings as fit, spread evenly over those there were."""
        longest = len(self._line(name, "1234567.123|ms|@0.000001")) + 1
        fit = min(len(timings), max(room // longest, 0))
        if fit == 0:
            return []
        happened = max(happened, len(timings))
        rate = "" if fit == happened else f"|@{max(fit / happened, 0.000001):.6f}"
        chosen = [timings[at * len(timings) // fit] for at in range(fit)]
        return [self._line(name, f"{min(ns, 10**15) / 1e6:.3f}|ms{rate}") for ns in chosen]

    def _line(self, name: str, value: str) -> str:
        return f"{self._prefix}{name}:{value}{self._tags}"

    def _connected(self) -> socket.socket | None:
        """Return the socket.  Raises OSError."""
        if self._socket is None and clock.now() >= self._retry_at:
            self._retry_at = clock.now() + RETRY_SECONDS
            self._socket = _connect(self._sink)
        return self._socket

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _connect(sink: Sink) -> socket.socket:
    """Return a datagram socket that never blocks.  Raises OSError."""
    where: object = sink.path
    family: int = socket.AF_UNIX
    if not sink.path:
        family, where = unpatched.getaddrinfo(sink.host, sink.port, socket.SOCK_DGRAM)
    made = unpatched.make_socket(family, socket.SOCK_DGRAM)
    made.setblocking(False)
    try:
        made.connect(where)  # type: ignore[arg-type]
    except OSError:
        made.close()
        raise
    return made


def _number(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
