"""`wsgi.errors` (PEP 3333): what applications do with it, and what may become of it."""

from __future__ import annotations

import fcntl
import logging
import os
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastfork import logs
from fastfork.config import Config
from fastfork.logs.base import bounded_writer
from fastfork.logs.error.errorlog import ErrorHandler
from fastfork.logs.error.errorstream import ErrorStream
from fastfork.logs.glogging import Logger
from tests.kit.logged import kept_loggers


@pytest.fixture(autouse=True)
def loggers_left_as_found() -> Iterator[None]:
    with kept_loggers():
        yield


@pytest.fixture
def errors(tmp_path: Path) -> ErrorStream:
    """A stream to the file `e`."""
    logs.setup(Config(errorlog=str(tmp_path / "e")))
    return ErrorStream(logs.current())


def test_everything_that_the_pep_names_is_there(errors: ErrorStream, tmp_path: Path) -> None:
    assert errors.write("one\n") == 4
    errors.writelines(["two\n", "three\n"])
    errors.flush()
    print("four", file=errors)
    assert (tmp_path / "e").read_text() == "one\ntwo\nthree\nfour\n"


def test_it_is_a_text_stream_for_who_asks(errors: ErrorStream, tmp_path: Path) -> None:
    assert errors.writable()
    assert not errors.readable()
    assert not errors.isatty()
    assert errors.encoding == "utf-8"
    os.write(errors.fileno(), b"of a program\n")
    traceback.print_stack(file=errors, limit=1)
    handler = logging.StreamHandler(errors)
    handler.emit(logging.makeLogRecord({"msg": "é\udcff"}))
    text = (tmp_path / "e").read_text()
    assert "of a program" in text
    assert "é\\udcff" in text


def test_it_stays_open(errors: ErrorStream, tmp_path: Path) -> None:
    errors.close()
    with errors:
        pass
    assert not errors.closed
    errors.write("on\n")
    assert (tmp_path / "e").read_text() == "on\n"


def test_bytes_are_a_mistake_of_the_application(errors: ErrorStream) -> None:
    with pytest.raises(TypeError, match="takes str, not bytes"):
        errors.write(b"x")  # type: ignore[arg-type]


def test_log_that_nobody_reads_costs_a_line_and_the_loss_is_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_writer, "PATIENCE_SECONDS", 0.01)
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 4096)
    handler = ErrorHandler(f"/proc/self/fd/{write_end}")
    logger = logging.Logger("of the test")
    logger.addHandler(handler)
    errors = ErrorStream(logger)
    errors.write("x" * 4095 + "\n")
    for _ in range(3):
        errors.write("lost\n")
    assert len(os.read(read_end, 8192)) == 4096
    errors.write("next\n")
    errors.write("and\n")
    text = os.read(read_end, 8192).decode()
    assert text.startswith("next\n")
    assert text.count("3 line(s) of this log were lost") == 1
    assert text.endswith("and\n")
    handler.dispose()
    os.close(read_end)
    os.close(write_end)


class Elsewhere(Logger):
    """Sends the log to a stream of its own."""

    stream: object = None

    def setup(self, cfg: Config) -> None:
        self.cfg = cfg
        self.error_log.addHandler(logging.StreamHandler(self.stream))  # type: ignore[type-var]


class Broken:
    def write(self, _text: str) -> int:
        raise ValueError("I/O operation on closed file")

    flush = isatty = fileno = write


def test_stream_of_others_that_fails_costs_a_line() -> None:
    Elsewhere.stream = Broken()
    logs.setup(Config(logger_class=Elsewhere))
    errors = ErrorStream(logs.current())
    assert errors.write("lost\n") == 5
    errors.flush()
    assert not errors.isatty()


def test_without_a_handler_it_is_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    ErrorStream(logging.Logger("of the test")).write("hello\n")
    assert capsys.readouterr().err == "hello\n"
