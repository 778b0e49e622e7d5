"""What logs are written to: who reads slowly or not at all, descriptors that change under us."""

from __future__ import annotations

import fcntl
import os
import select
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from fastfork import clock, unpatched
from fastfork.logs.base import bounded_writer
from fastfork.logs.base.bounded_writer import BoundedWriter, own_descriptor
from fastfork.logs.base.logstreams import LogFile, Standard

SLOT = 4096  # bytes: what a pipe takes at least when it polls writable


class Reader:
    """Reads a pipe when somebody waits for it to: `takes` bytes after `every` seconds.

    It is the clock, too: time passes while somebody waits, and only then.
    """

    def __init__(self, takes: int, every: float) -> None:
        self.read_end, self.write_end = os.pipe()
        fcntl.fcntl(self.write_end, fcntl.F_SETPIPE_SZ, SLOT)
        os.set_blocking(self.read_end, False)
        self.takes = takes
        self.every = every
        self.now = 1000.0
        self.due = self.now + every
        self.waited: list[float] = []
        self._real = select.poll()

    def register(self, fd: int, events: int) -> None:
        self._real.register(fd, events)

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        ready = self._real.poll(0)
        if ready:
            return ready
        began, until = self.now, self.now + timeout / 1000
        if self.takes and self.due <= until:
            self.now = self.due
            self.take(self.takes)
        else:
            self.now = until
        self.waited.append(self.now - began)
        return self._real.poll(0)

    def take(self, size: int) -> bytes:
        self.due = self.now + self.every
        with suppress(BlockingIOError):
            return os.read(self.read_end, size)
        return b""

    def close(self) -> None:
        os.close(self.read_end)
        os.close(self.write_end)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """A reader that takes 4 KiB every 0.9 seconds."""
    reader = Reader(SLOT, 0.9)
    monkeypatch.setattr(clock, "now", lambda: reader.now)
    monkeypatch.setattr(unpatched, "make_poll", lambda: reader)
    yield reader
    reader.close()


BATCH = b"".join(b"%04d %s\n" % (n, b"x" * 200) for n in range(512))


@pytest.mark.parametrize("blocks", [True, False])
def test_slow_reader_costs_the_patience_of_one_write_and_not_of_each_piece(
    slow: Reader, *, blocks: bool
) -> None:
    os.set_blocking(slow.write_end, blocks)
    out = BoundedWriter(os.dup(slow.write_end))
    lost = out.write(BATCH)
    assert lost is not None
    assert sum(slow.waited) == pytest.approx(bounded_writer.PATIENCE_SECONDS)
    assert lost.lines > 450
    assert str(lost.error).endswith("nobody reads it")


def test_slow_reader_costs_a_twentieth_of_the_time_however_long_it_goes_on(slow: Reader) -> None:
    out = BoundedWriter(os.dup(slow.write_end))
    began = slow.now
    for _ in range(200):
        out.write(BATCH)
        slow.now += 0.5  # of other work
        slow.take(1 << 20)  # now and then it catches up
        out.write(b"one\n")
    assert sum(slow.waited) <= bounded_writer.PATIENCE_SECONDS + bounded_writer.SHARE * (
        slow.now - began
    )


def test_reader_that_stopped_is_waited_for_once_until_it_takes_something(slow: Reader) -> None:
    slow.takes = 0
    out = BoundedWriter(os.dup(slow.write_end))
    assert out.write(BATCH)
    waited = sum(slow.waited)
    for _ in range(50):
        assert out.write(b"lost\n")
        slow.now += 60
    assert sum(slow.waited) == waited
    slow.take(1 << 20)
    assert out.write(b"again\n") is None
    assert slow.take(100) == b"again\n"


def test_lines_that_are_lost_are_counted_and_none_is_cut_in_two(slow: Reader) -> None:
    slow.takes = 0
    out = BoundedWriter(os.dup(slow.write_end))
    lost = out.write(BATCH)
    came = slow.take(1 << 20)
    assert lost is not None
    assert came.endswith(b"\n")
    assert came.count(b"\n") + lost.lines == 512


def test_line_that_was_cut_is_ended_and_is_one_that_was_lost(slow: Reader) -> None:
    slow.takes = 0
    out = BoundedWriter(os.dup(slow.write_end))
    lost = [out.write(b"x" * 10_000 + b"\n"), out.write(b"y\n")]
    assert [one.lines for one in lost if one] == [1, 1]
    slow.take(1 << 20)
    assert out.write(b"z\n") is None
    assert slow.take(100) == b"\nz\n"


def test_descriptor_that_polls_writable_and_takes_nothing_is_given_up(
    slow: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_fd: int, _data: bytes) -> int:
        raise BlockingIOError

    slept: list[float] = []
    monkeypatch.setattr(os, "write", refuse)
    monkeypatch.setattr(unpatched, "sleep", slept.append)
    out = BoundedWriter(os.dup(slow.write_end))
    assert out.write(b"a\n")
    assert 0 < sum(slept) < bounded_writer.PATIENCE_SECONDS + 0.01


def test_reader_that_has_gone_costs_a_line() -> None:
    read_end, write_end = os.pipe()
    out = BoundedWriter(write_end)
    os.close(read_end)
    lost = out.write(b"a\nb\n")
    assert lost is not None
    assert (lost.lines, type(lost.error)) == (2, BrokenPipeError)
    out.close()


def test_closed_outlet_says_so_and_closes_nothing_of_others() -> None:
    read_end, write_end = os.pipe()
    out = BoundedWriter(write_end)
    out.close()
    out.close()
    lost = out.write(b"a\n")
    assert lost is not None
    os.close(read_end)


def test_pipe_of_others_is_opened_anew_so_that_only_we_do_not_block() -> None:
    read_end, write_end = os.pipe()
    ours = own_descriptor(write_end)
    assert not os.get_blocking(ours)
    assert os.get_blocking(write_end)
    assert not os.get_inheritable(ours)
    for fd in (read_end, write_end, ours):
        os.close(fd)


@contextmanager
def standard() -> Iterator[tuple[Standard, int]]:
    """A standard stream at number 1, and the pipe that it leads to."""
    read_end, write_end = os.pipe()
    saved = os.dup(1)
    os.dup2(write_end, 1)
    os.close(write_end)
    made = Standard(lambda: 1)
    try:
        yield made, read_end
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(read_end)
        made.close()


def test_number_that_was_closed_and_is_another_file_now_is_not_written_to() -> None:
    with standard() as (stream, read_end):
        os.close(1)
        with tempfile.TemporaryFile() as file:
            assert file.fileno() == 1
            stream.write("to the log\n")
            assert os.fstat(1).st_size == 0
        assert os.read(read_end, 100) == b"to the log\n"


def test_file_that_is_put_at_the_number_is_followed(tmp_path: Path) -> None:
    with standard() as (stream, read_end):
        stream.write("before\n")
        with (tmp_path / "new").open("ab", buffering=0) as file:
            os.dup2(file.fileno(), 1)
            stream.write("after\n")
        assert os.read(read_end, 100) == b"before\n"
    assert (tmp_path / "new").read_bytes() == b"after\n"


def test_log_stream_looks_like_a_text_stream(tmp_path: Path) -> None:
    stream = LogFile(str(tmp_path / "a"))
    assert stream.write("é\n") == 2
    stream.writelines(["a", "b\n"])
    stream.flush()
    assert not stream.isatty()
    os.fstat(stream.fileno())
    stream.close()
    assert (tmp_path / "a").read_text(encoding="utf-8") == "é\nab\n"
    assert stream.write("gone\n") == 5
