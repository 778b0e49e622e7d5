"""A system log that is away, full or slow: nobody waits for it, and what is lost is counted."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest

from fastfork import clock
from fastfork.config import Config
from fastfork.config.kinds.sinks import Sink
from fastfork.logs.base import syslog
from fastfork.logs.base.syslog import SyslogHandler, SyslogLines, SyslogSocket

TCP = "tcp://127.0.0.1:601"


class Wire:
    """Stands for the network: keeps what was sent, or fails."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.connects = 0
        self.refuses: OSError | None = None
        self.fails: OSError | None = None
        self.is_stream = False

    def connect(self, socket: SyslogSocket) -> Wire:
        self.connects += 1
        if self.refuses is not None:
            raise self.refuses
        socket._is_stream = self.is_stream
        return self

    def send(self, data: bytes, _flags: int = 0) -> None:
        if self.fails is not None:
            raise self.fails
        self.sent.append(data)

    sendall = send

    def close(self) -> None:
        pass


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    made = Wire()
    monkeypatch.setattr(SyslogSocket, "_connect", lambda self: made.connect(self))
    return made


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    at = [1000.0]
    monkeypatch.setattr(clock, "now", lambda: at[0])
    return at


@pytest.fixture(autouse=True)
def no_connections_of_others() -> Iterator[None]:
    syslog._sockets.clear()
    yield
    syslog._sockets.clear()


def record(text: str, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("fastfork.error", level, "", 0, text, (), None)


@pytest.mark.parametrize(
    ("level", "severity"),
    [(logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6),
     (logging.DEBUG, 7), (5, 7)],
)  # fmt: skip
def test_priority_is_facility_and_severity(wire: Wire, level: int, severity: int) -> None:
    SyslogHandler(Config(syslog_facility="daemon", wsgi_app="shop:app"), "error").emit(
        record("x", level)
    )
    expected = f"<{3 * 8 + severity}>gunicorn.shop.app.error: [{os.getpid()}] x"
    assert wire.sent == [expected.encode()]


@pytest.mark.parametrize(
    ("settings", "name"),
    [({"syslog_prefix": "p", "proc_name": "n"}, "p"), ({"proc_name": "a:b"}, "a.b")],
)
def test_name_is_prefix_or_process_name(wire: Wire, settings: dict[str, str], name: str) -> None:
    SyslogLines(Config(**settings)).write(["x"])  # type: ignore[arg-type]
    assert f"gunicorn.{name}.access: ".encode() in wire.sent[0]


def test_line_ends_and_controls_make_no_second_message(wire: Wire) -> None:
    wire.is_stream = True
    SyslogHandler(Config(syslog_addr=TCP), "error").emit(record("a\n<0>b\r\x1b"))
    assert len(wire.sent) == 1
    assert wire.sent[0].endswith(b"a | <0>b\\x0D\\x1B\n")


def test_long_message_is_cut(wire: Wire) -> None:
    SyslogHandler(Config(), "error").emit(record("x" * 100_000))
    assert len(wire.sent[0]) == syslog.LONGEST_MESSAGE


def test_who_is_away_is_looked_for_now_and_then(wire: Wire, now: list[float]) -> None:
    lines = SyslogLines(Config())
    wire.refuses = ConnectionRefusedError(111, "refused")
    assert [lines.write(["a", "b"]), lines.write(["c"])] == [2, 1]
    assert wire.connects == 1
    now[0] += syslog.RETRY_SECONDS
    wire.refuses = None
    assert lines.write(["d"]) == 0
    assert wire.sent[-1].endswith(b" d")


def test_who_was_restarted_gets_the_message_on_a_new_connection(wire: Wire) -> None:
    lines = SyslogLines(Config())
    lines.write(["a"])
    failures = [ConnectionResetError(104, "reset")]
    plain = wire.send

    def send(data: bytes, flags: int = 0) -> None:
        if failures:
            raise failures.pop()
        plain(data, flags)

    wire.send = send  # type: ignore[method-assign]
    assert lines.write(["b"]) == 0
    assert wire.connects == 2


def test_stream_that_takes_nothing_is_waited_for_once(wire: Wire, now: list[float]) -> None:
    wire.is_stream = True
    wire.fails = TimeoutError("timed out")
    lines = SyslogLines(Config(syslog_addr=TCP))
    assert lines.write(["a"] * 100) == 100
    assert wire.connects == 1
    now[0] += syslog.RETRY_SECONDS
    wire.fails = None
    assert lines.write(["b"]) == 0


def test_full_socket_loses_the_message_and_keeps_the_connection(wire: Wire) -> None:
    lines = SyslogLines(Config())
    lines.write(["a"])
    wire.fails = BlockingIOError(11, "full")
    assert lines.write(["b"]) == 1
    wire.fails = None
    lines.write(["c"])
    assert wire.connects == 1


def test_error_log_tells_how_many_messages_were_lost(wire: Wire, now: list[float]) -> None:
    handler = SyslogHandler(Config(), "error")
    wire.refuses = ConnectionRefusedError(111, "refused")
    for text in ("a", "b"):
        handler.emit(record(text))
    wire.refuses = None
    now[0] += syslog.RETRY_SECONDS
    handler.emit(record("c"))
    assert [message.split(b"] ", 1)[1] for message in wire.sent] == [
        b"c",
        b"2 message(s) were lost: nobody took them",
    ]


def test_stream_of_the_parent_is_not_used_after_a_fork(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    for is_stream, connects in ((True, 2), (False, 1)):
        wire.is_stream, wire.connects = is_stream, 0
        socket = SyslogSocket(Sink("tcp", "localhost", 601))
        socket.send([b"a"])
        monkeypatch.setattr(os, "getpid", lambda: -1)
        socket.send([b"b"])
        monkeypatch.undo()
        monkeypatch.setattr(SyslogSocket, "_connect", lambda self: wire.connect(self))
        assert wire.connects == connects


def test_both_logs_share_a_connection(wire: Wire) -> None:
    cfg = Config()
    SyslogHandler(cfg, "error").emit(record("a"))
    SyslogLines(cfg).write(["b"])
    assert (wire.connects, len(wire.sent)) == (1, 2)
