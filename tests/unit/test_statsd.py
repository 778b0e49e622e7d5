"""Metrics: names and values as gunicorn's, one datagram a tick, of a bounded size."""

from __future__ import annotations

import logging
import re
import socket
import sys
import threading
from collections.abc import Iterator

import pytest

from fastfork import clock, metrics
from fastfork.config import Config
from fastfork.config.kinds.sinks import Sink
from fastfork.logs.access.wrappers import counted, no_line
from fastfork.logs.error.counter import LogCounter
from fastfork.metrics import statsd
from fastfork.metrics.queue import timing_queue
from fastfork.metrics.statsd import Statsd


class Wire:
    """Stands for the socket: keeps what was sent, or refuses it."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.error: OSError | None = None
        self.connects = 0

    def connect(self, _sink: Sink) -> socket.socket:
        self.connects += 1
        return self  # type: ignore[return-value]

    def send(self, data: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append(data.decode())

    def close(self) -> None:
        pass

    @property
    def lines(self) -> list[str]:
        return "\n".join(self.sent).splitlines()


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    made = Wire()
    monkeypatch.setattr(statsd, "_connect", made.connect)
    return made


@pytest.fixture(autouse=True)
def nobody_afterwards() -> Iterator[None]:
    yield
    metrics.setup(Config())


UDP = Sink("udp", "localhost", 8125)


def test_request_is_counted_timed_and_counted_by_status(wire: Wire) -> None:
    gathers = Statsd(UDP)
    gathers.request("200 OK", 1_500_000)
    gathers.flush()
    assert wire.sent == [
        "gunicorn.requests:1|c\ngunicorn.request.status.200:1|c\ngunicorn.request.duration:1.500|ms"
    ]


def test_requests_of_a_tick_go_out_in_one_datagram(wire: Wire) -> None:
    gathers = Statsd(UDP)
    for status in ("200 OK", "200 OK", "404 Not Found"):
        gathers.request(status, 2_000_000)
    gathers.flush()
    gathers.flush()
    assert len(wire.sent) == 1
    assert wire.lines == [
        "gunicorn.requests:3|c",
        "gunicorn.request.status.200:2|c",
        "gunicorn.request.status.404:1|c",
        *["gunicorn.request.duration:2.000|ms"] * 3,
    ]


def test_prefix_and_tags_are_put_on_each_line(wire: Wire) -> None:
    gathers = Statsd(UDP, prefix="shop", tags="env:prod,a:b")
    gathers.request("200 OK", 0)
    gathers.count("gunicorn.log.error")
    gathers.flush()
    assert all(line.startswith("shop.gunicorn.") for line in wire.lines)
    assert all(line.endswith("|#env:prod,a:b") for line in wire.lines)


@pytest.mark.parametrize("requests", [50, 1000, 20_000])
@pytest.mark.parametrize(("sink", "most"), [(UDP, 1432), (Sink("dgram", path="/x"), 8192)])
def test_datagram_is_bounded_and_timings_say_what_they_stand_for(
    wire: Wire, requests: int, sink: Sink, most: int
) -> None:
    gathers = Statsd(sink, prefix="a.long.prefix", tags="env:production,service:shop")
    for number in range(requests):
        gathers.queue_wait(number)
        gathers.request("200 OK", number * 1_000_000)
    gathers.flush()
    (datagram,) = wire.sent
    assert len(datagram) <= most
    assert f"a.long.prefix.gunicorn.requests:{requests}|c" in datagram
    for name in ("gunicorn.request.duration", "fastfork.queue_wait"):
        timed = re.findall(rf"{name}:[\d.]+\|ms(?:\|@([\d.]+))?\|#", datagram)
        assert timed
        stood_for = sum(1 / float(rate or 1) for rate in timed)
        assert stood_for == pytest.approx(requests, rel=0.1)


def test_sample_is_spread_over_the_tick(wire: Wire) -> None:
    gathers = Statsd(UDP)
    for number in range(1000):
        gathers.request("200 OK", number * 1_000_000)
    gathers.flush()
    timed = [float(value) for value in re.findall(r"duration:([\d.]+)\|", wire.sent[0])]
    assert timed == sorted(timed)
    assert timed[0] == 0.0
    assert timed[-1] > 900.0


def test_what_nobody_takes_is_dropped(wire: Wire) -> None:
    gathers = Statsd(UDP)
    wire.error = BlockingIOError(11, "full")
    gathers.request("200 OK", 0)
    gathers.flush()
    wire.error = None
    gathers.flush()
    assert (wire.sent, gathers.dropped) == ([], 1)


def test_who_does_not_listen_is_looked_for_once_a_second(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(clock, "now", lambda: now[0])
    gathers = Statsd(UDP)
    wire.error = ConnectionRefusedError(111, "refused")
    for _ in range(5):
        gathers.request("200 OK", 0)
        gathers.flush()
    assert wire.connects == 1
    now[0] += 1.5
    wire.error = None
    gathers.request("200 OK", 0)
    gathers.flush()
    assert (wire.connects, len(wire.sent)) == (2, 1)


def test_names_are_bounded(wire: Wire) -> None:
    gathers = Statsd(Sink("dgram", path="/x"))
    for number in range(10_000):
        gathers.count(f"c{number}")
        gathers.value(f"g{number}", 1, "g")
    gathers.flush()
    assert len(wire.lines) == 2 * statsd.MOST_NAMES


def test_log_calls_are_counted_by_level_and_bring_metrics(wire: Wire) -> None:
    gathers = Statsd(Sink("dgram", path="/x"))
    logger = logging.Logger("counted")
    logger.addHandler(LogCounter(gathers))
    logger.info("not counted")
    logger.warning("a")
    gathers.flush()
    wire.sent.clear()
    logger.error("b")
    logger.critical("c")
    try:
        raise LookupError
    except LookupError:
        logger.exception("d")
    for kind, value in (("gauge", 5), ("counter", 2), ("histogram", 1.5), ("timer", 0.25)):
        logger.info("", extra={"metric": f"own.{kind}", "value": value, "mtype": kind})
    gathers.flush()
    assert set(wire.lines) == {
        "gunicorn.log.error:1|c",
        "gunicorn.log.critical:1|c",
        "gunicorn.log.exception:1|c",
        "own.gauge:5|g",
        "own.counter:2|c",
        "own.histogram:1.5|h",
        "own.timer:0.25|ms",
    }


@pytest.mark.parametrize(
    "extra",
    [
        {"metric": "a:1|c\nb", "value": 1, "mtype": "gauge"},
        {"metric": "a", "value": "1|c", "mtype": "gauge"},
        {"metric": "a", "value": 1, "mtype": "set"},
        {"metric": "a"},
    ],
)
def test_metric_that_is_none_is_not_sent(wire: Wire, extra: dict[str, object]) -> None:
    gathers = Statsd(UDP)
    logger = logging.Logger("counted")
    logger.addHandler(LogCounter(gathers))
    logger.info("", extra=extra)
    gathers.flush()
    assert wire.sent == []


def test_counters_are_sent_when_logging_ends(wire: Wire) -> None:
    gathers = Statsd(UDP)
    counter = LogCounter(gathers)
    gathers.count("gunicorn.log.error")
    counter.flush()
    assert wire.lines == ["gunicorn.log.error:1|c"]


def test_end_of_a_request_is_counted_whatever_its_line(wire: Wire) -> None:
    gathers = Statsd(UDP)
    assert counted(no_line, gathers)({}, "204 No Content", 0, 10**6, []) == ""
    gathers.flush()
    assert "gunicorn.request.status.204:1|c" in wire.lines


def test_wait_is_from_the_turn_to_the_application(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics.setup(Config(statsd_host="localhost"))
    monkeypatch.setattr(clock, "now_ns", lambda: 5_000_000)
    app = timing_queue(lambda _environ, _start: [b"x"], lambda: 3_000_000)
    assert app({}, lambda *_: lambda _: None) == [b"x"]  # type: ignore[arg-type]
    metrics.flush()
    assert wire.lines == ["fastfork.queue_wait:2.000|ms"]


def test_application_is_called_as_it_is_when_nobody_wants_metrics() -> None:
    def app(_environ: object, _start: object) -> list[bytes]:
        return []

    assert timing_queue(app, lambda: 0) is app
    assert metrics.current() is None


def test_metric_that_comes_while_a_datagram_is_made_is_in_the_next(wire: Wire) -> None:
    """A signal handler may log in the middle of it, in the same thread."""

    class Interrupted(Statsd):
        def _line(self, name: str, value: str) -> str:
            if name == "first":
                self.value("second", 2, "g")
                self.count("third")
                self.request("200 OK", 1)
            return super()._line(name, value)

    gathers = Interrupted(Sink("dgram", path="/x"))
    gathers.value("first", 1, "g")
    gathers.flush()
    assert wire.lines == ["first:1|g"]
    wire.sent.clear()
    gathers.flush()
    assert {"second:2|g", "third:1|c", "gunicorn.requests:1|c"} <= set(wire.lines)


def test_gauges_of_several_threads_while_datagrams_are_sent(wire: Wire) -> None:
    gathers = Statsd(Sink("dgram", path="/x"))
    failed: list[BaseException] = []
    over = threading.Event()

    def gauge(number: int) -> None:
        try:
            for at in range(3000):
                gathers.value(f"g{number}.{at % 50}", at, "g")
                gathers.queue_wait(at)
        except BaseException as error:
            failed.append(error)

    def send() -> None:
        try:
            while not over.is_set():
                gathers.flush()
        except BaseException as error:
            failed.append(error)

    sender = threading.Thread(target=send)
    threads = [threading.Thread(target=gauge, args=(number,)) for number in range(3)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in (sender, *threads):
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        over.set()
        sender.join()
        sys.setswitchinterval(interval)
    assert not failed
    assert wire.sent
