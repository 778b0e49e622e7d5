"""Where logs go: files that are reopened, disks that are full, readers that stop."""

from __future__ import annotations

import fcntl
import logging
import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastfork import clock, logs
from fastfork.config import Config
from fastfork.errors import ConfigError
from fastfork.logs.access.handler import AccessHandler
from fastfork.logs.accesslog import AccessLog
from fastfork.logs.base import bounded_writer
from fastfork.logs.base.serverlogger import OurHandler
from fastfork.logs.error.errorlog import ErrorHandler
from fastfork.process import streams


@pytest.fixture(autouse=True)
def clean_logger() -> Iterator[None]:
    yield
    for handler in list(logs.LOGGER.handlers):
        logs.LOGGER.removeHandler(handler)
        if isinstance(handler, OurHandler):
            handler.dispose()
    logs.LOGGER.twin = None
    logs.LOGGER.propagate = True
    logs.LOGGER.setLevel(logging.NOTSET)


@pytest.fixture
def time_passes(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands at its only member."""
    now = [1000.0]
    monkeypatch.setattr(clock, "now", lambda: now[0])
    return now


def access_log(path: Path) -> AccessLog:
    return AccessLog(Config(accesslog=str(path)))


# -- error log


def test_error_log_has_gunicorns_format(tmp_path: Path) -> None:
    path = tmp_path / "error.log"
    logs.setup(Config(errorlog=str(path)))
    logging.getLogger("fastfork.error").warning("hello %s", "you")
    (line,) = path.read_text().splitlines()
    stamp, rest = line[:27], line[27:]
    assert len(stamp.strip("[]").split()) == 3
    assert rest == f" [{os.getpid()}] [WARNING] hello you"


def test_error_log_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup(Config())
    logs.LOGGER.info("hello")
    logs.LOGGER.debug("not shown")
    written = capsys.readouterr()
    assert written.err.endswith("[INFO] hello\n")
    assert written.err.count("\n") == 1
    assert written.out == ""


def test_reader_of_standard_error_that_stopped_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as pipe, os.fdopen(writer, "w") as stream:
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 8192)
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setattr(bounded_writer, "PATIENCE_SECONDS", 0.01)
        logs.setup(Config())
        for text in ("x" * 20000, "two", "three"):
            logs.LOGGER.error(text)
        begun = os.read(pipe.fileno(), 65536)
        assert begun.endswith(b"x")
        logs.LOGGER.error("four")
        lines = os.read(pipe.fileno(), 65536).decode().splitlines()
    assert lines[0] == ""  # ends the line that was cut
    assert lines[1].endswith("[ERROR] four")
    assert lines[2].endswith("[WARNING] 3 line(s) of this log were lost: it could not be written")


def test_level_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "error.log"
    logs.setup(Config(errorlog=str(path), loglevel="error"))
    logs.LOGGER.warning("quiet")
    logs.LOGGER.error("loud")
    assert "quiet" not in path.read_text()
    assert "loud" in path.read_text()


def test_setup_again_replaces_the_log(tmp_path: Path) -> None:
    logs.setup(Config(errorlog=str(tmp_path / "a")))
    logs.setup(Config(errorlog=str(tmp_path / "b")))
    logs.LOGGER.error("x")
    assert len(logs.LOGGER.handlers) == 1
    assert (tmp_path / "a").read_text() == ""
    assert (tmp_path / "b").read_text().endswith("x\n")


@pytest.mark.parametrize("setting", ["errorlog", "accesslog"])
def test_log_that_cannot_be_opened_is_told_and_the_old_one_stays(
    tmp_path: Path, setting: str
) -> None:
    logs.setup(Config(errorlog=str(tmp_path / "a")))
    bad = str(tmp_path / "nope" / "x.log")
    with pytest.raises(ConfigError) as refused:
        logs.setup(Config(**{setting: bad}))
    assert str(refused.value) == (
        f"{setting}: cannot open {bad!r}: No such file or directory; write a path in a "
        "directory that exists and may be written, or -"
    )
    logs.LOGGER.error("still here")
    assert "still here" in (tmp_path / "a").read_text()


def test_fifo_that_nobody_reads_does_not_hold_up_the_start(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ConfigError, match="cannot open"):
        logs.setup(Config(errorlog=str(tmp_path / "fifo")))


def test_reopened_log_goes_on_in_a_new_file(tmp_path: Path) -> None:
    path, moved = tmp_path / "error.log", tmp_path / "error.log.1"
    logs.setup(Config(errorlog=str(path)))
    logs.LOGGER.error("one")
    path.rename(moved)
    logs.LOGGER.error("two")
    logs.reopen()
    logs.LOGGER.error("three")
    assert [line.split()[-1] for line in moved.read_text().splitlines()] == ["one", "two"]
    assert [line.split()[-1] for line in path.read_text().splitlines()] == ["three"]


def test_reopen_that_fails_keeps_the_old_file(tmp_path: Path) -> None:
    folder, moved = tmp_path / "logs", tmp_path / "moved"
    folder.mkdir()
    logs.setup(Config(errorlog=str(folder / "error.log")))
    folder.rename(moved)
    logs.reopen()
    logs.LOGGER.error("later")
    text = (moved / "error.log").read_text()
    assert "going on with the old file" in text
    assert "later" in text


def test_reopen_leaves_standard_error_open() -> None:
    logs.setup(Config())
    logs.reopen()
    assert not sys.stderr.closed


def test_descriptors_keep_their_numbers_when_reopened_and_are_not_inherited(
    tmp_path: Path,
) -> None:
    handler = ErrorHandler(str(tmp_path / "e"))
    other = AccessHandler(str(tmp_path / "a"))
    before = sorted(os.listdir("/proc/self/fd"))
    numbers = handler.stream.fileno(), other.stream.fileno()
    handler.reopen()
    other.reopen()
    assert (handler.stream.fileno(), other.stream.fileno()) == numbers
    assert sorted(os.listdir("/proc/self/fd")) == before
    assert not any(os.get_inheritable(fd) for fd in numbers)
    handler.dispose()
    other.dispose()


def test_log_file_is_appended_to_and_not_inherited(tmp_path: Path) -> None:
    path = tmp_path / "error.log"
    path.write_text("before\n")
    handler = ErrorHandler(str(path))
    fd = handler.stream.fileno()
    assert fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND
    assert fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    handler.dispose()
    assert path.read_text() == "before\n"


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "error.log"
    logs.setup(Config(errorlog=str(path)))
    logs.LOGGER.error("a\x1b[31mb\r\x00\x9b \u2028 é\ttab\nnext")
    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines[0].endswith("a\\x1B[31mb\\x0D\\x00\\x9B \\u2028 é\ttab")
    assert lines[1] == "next"


def test_traceback_is_shown_in_lines(tmp_path: Path) -> None:
    path = tmp_path / "error.log"
    logs.setup(Config(errorlog=str(path)))
    try:
        raise KeyError("x")
    except KeyError:
        logs.LOGGER.exception("failed")
    assert path.read_text().splitlines()[-1] == "KeyError: 'x'"


def test_full_disk_under_the_error_log_is_told_once_a_minute(
    capsys: pytest.CaptureFixture[str], time_passes: list[float]
) -> None:
    logs.setup(Config(errorlog="/dev/full"))
    for _ in range(3):
        logs.LOGGER.error("x")
    told = capsys.readouterr().err
    assert told == "fastfork: error log /dev/full: [Errno 28] No space left on device\n"
    time_passes[0] += 61
    logs.LOGGER.error("x")
    assert "No space left" in capsys.readouterr().err


# -- access log


def test_access_log_is_off_unless_asked_for() -> None:
    log = AccessLog(Config())
    assert not log.enabled
    log.write(["x"])
    log.reopen()
    log.close()


def test_lines_are_written_with_one_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = access_log(tmp_path / "a")
    calls: list[bytes] = []
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: calls.append(data) or real(fd, data))
    log.write(["one", "two"])
    log.write([])
    log.close()
    assert calls == [b"one\ntwo\n"]
    assert (tmp_path / "a").read_bytes() == b"one\ntwo\n"


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = access_log(tmp_path / "a")
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:3]))
    log.write(["one", "two", "é"])
    log.close()
    assert (tmp_path / "a").read_text(encoding="utf-8") == "one\ntwo\né\n"


def test_access_log_goes_to_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    log = AccessLog(Config(accesslog="-"))
    log.write(["one"])
    log.reopen()
    log.write(["two"])
    log.close()
    assert capfd.readouterr().out == "one\ntwo\n"
    os.fstat(1)


def test_reopened_access_log_goes_on_in_a_new_file(tmp_path: Path) -> None:
    log = access_log(tmp_path / "a")
    log.write(["one"])
    (tmp_path / "a").rename(tmp_path / "b")
    log.write(["two"])
    log.reopen()
    log.write(["three"])
    log.close()
    assert (tmp_path / "b").read_text() == "one\ntwo\n"
    assert (tmp_path / "a").read_text() == "three\n"


def test_access_log_that_cannot_be_reopened_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "d").mkdir()
    log = access_log(tmp_path / "d" / "a")
    (tmp_path / "d").rename(tmp_path / "e")
    log.reopen()
    log.write(["one"])
    log.close()
    assert "going on with the old file" in caplog.text
    assert (tmp_path / "e" / "a").read_text() == "one\n"


def test_full_disk_is_told_once_a_minute_and_never_raised(
    caplog: pytest.LogCaptureFixture, time_passes: list[float]
) -> None:
    log = access_log(Path("/dev/full"))
    log.write(["a", "b"])
    log.write(["c"])
    assert [record.message for record in caplog.records] == [
        "Access log /dev/full: 2 line(s) lost: No space left on device"
    ]
    time_passes[0] += 61
    log.write(["d"])
    assert caplog.records[-1].message.startswith("Access log /dev/full: 2 line(s) lost")
    log.close()


def test_line_that_was_cut_does_not_swallow_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = access_log(tmp_path / "a")
    real = os.write
    answers = iter([2, None])

    def short(fd: int, data: bytes) -> int:
        size = next(answers)
        if size is None:
            raise OSError(28, "No space left on device")
        return real(fd, data[:size])

    monkeypatch.setattr(os, "write", short)
    log.write(["first", "second"])
    monkeypatch.setattr(os, "write", real)
    log.write(["third"])
    log.close()
    assert (tmp_path / "a").read_text() == "fi\nthird\n"
    assert "2 line(s) lost" in caplog.text


def test_closed_standard_output_is_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    monkeypatch.setattr(streams, "_kept", {1: write_end})
    log = AccessLog(Config(accesslog="-"))
    log.write(["one"])
    os.close(write_end)
    log.write(["two"])
    assert len(caplog.records) == 1
    log.close()


@pytest.fixture
def pipe_log(tmp_path: Path) -> Iterator[tuple[AccessLog, int]]:
    """An access log into a pipe, and the pipe's read end."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    log = access_log(path)
    yield log, reader
    log.close()
    os.close(reader)


def test_pipe_gets_whole_lines_in_pieces_that_do_not_mix(
    pipe_log: tuple[AccessLog, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, reader = pipe_log
    sizes: list[int] = []
    real = os.write

    def noted(fd: int, data: bytes) -> int:
        assert data.endswith(b"\n")
        sizes.append(len(data))
        return real(fd, data)

    monkeypatch.setattr(os, "write", noted)
    lines = [f"{n:04} {'x' * 90}" for n in range(200)]
    log.write(lines)
    assert all(size <= select.PIPE_BUF for size in sizes)
    assert os.read(reader, 100_000).decode().splitlines() == lines


def test_line_longer_than_a_pipe_takes_at_once_arrives(pipe_log: tuple[AccessLog, int]) -> None:
    log, reader = pipe_log
    log.write(["x" * 10_000, "y"])
    assert os.read(reader, 100_000) == b"x" * 10_000 + b"\ny\n"


def test_reader_that_stopped_costs_lines_that_are_counted(
    pipe_log: tuple[AccessLog, int],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(bounded_writer, "PATIENCE_SECONDS", 0.01)
    log, reader = pipe_log
    log.write(["x" * 999] * 100)  # more than a pipe holds
    log.write(["lost"])
    assert "36 line(s) lost: nobody reads it" in caplog.text
    os.read(reader, 1_000_000)
    log.write(["after"])
    assert os.read(reader, 100).endswith(b"after\n")
