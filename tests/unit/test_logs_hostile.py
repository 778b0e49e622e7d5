"""An application that configures logging for itself, or breaks it: the server's log goes on."""

from __future__ import annotations

import logging
import logging.config
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fastfork import logs
from fastfork.config import Config
from fastfork.logs.base import guard, serverlogger
from fastfork.logs.base.serverlogger import ACCESS, GUNICORNS, LOGGER, SERVERS
from fastfork.logs.glogging import Logger
from tests.kit.logged import ENVIRON, kept_loggers, serve_one


@pytest.fixture(autouse=True)
def loggers_left_as_found(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for logger in SERVERS:
        monkeypatch.setitem(logger.__dict__, "_complained", float("-inf"))
    factory = logging.getLogRecordFactory()
    with kept_loggers():
        yield
        logging.setLogRecordFactory(factory)
        logging.disable(logging.NOTSET)


class Evil:
    """A value, filter, formatter and handler that raises what it was made with."""

    level = logging.NOTSET

    def __init__(self, error: type[BaseException]) -> None:
        self.error = error

    def __str__(self) -> str:
        raise self.error("evil")

    def filter(self, _record: logging.LogRecord) -> bool:
        raise self.error("evil")

    def format(self, _record: logging.LogRecord) -> str:
        raise self.error("evil")

    def handle(self, _record: logging.LogRecord) -> None:
        raise self.error("evil")

    def close(self) -> None:
        """There is nothing to close."""


ERRORS = [LookupError, SystemExit, KeyboardInterrupt, GeneratorExit, RecursionError]
every_error = pytest.mark.parametrize("error", ERRORS)


def ini(tmp_path: Path, *, disables: bool) -> None:
    path = tmp_path / "l.ini"
    path.write_text(
        "[loggers]\nkeys=root\n[handlers]\nkeys=\n[formatters]\nkeys=\n[logger_root]\nhandlers=\n"
    )
    logging.config.fileConfig(path, disable_existing_loggers=disables)


BLANKETS: dict[str, Callable[[Path], object]] = {
    "dictConfig": lambda _: logging.config.dictConfig(
        {"version": 1, "disable_existing_loggers": False}
    ),
    "dictConfig that disables": lambda _: logging.config.dictConfig({"version": 1}),
    "fileConfig": lambda path: ini(path, disables=False),
    "fileConfig that disables": lambda path: ini(path, disables=True),
    "shutdown": lambda _: logging.shutdown(),
    "disable": lambda _: logging.disable(logging.CRITICAL),
    "root is silent": lambda _: logging.root.setLevel(logging.CRITICAL + 1),
    "close each handler": lambda _: [
        handler.close() for logger in SERVERS for handler in logger.handlers
    ],
}


@pytest.mark.parametrize("blanket", BLANKETS)
@pytest.mark.parametrize("kind", ["plain", "class"])
def test_order_to_every_logger_is_not_meant_for_the_servers(
    tmp_path: Path, blanket: str, kind: str
) -> None:
    class Own(Logger):
        pass

    error, access = tmp_path / "error.log", tmp_path / "access.log"
    custom: dict[str, Any] = {"logger_class": Own} if kind == "class" else {}
    cfg = Config(errorlog=str(error), accesslog=str(access), **custom)
    logs.setup(cfg)
    BLANKETS[blanket](tmp_path)
    LOGGER.info("from the server")
    GUNICORNS.info("from the application")
    serve_one(cfg)
    for path in (error, access):
        path.rename(path.with_suffix(".1"))
    logs.reopen()
    LOGGER.info("in the new file")
    serve_one(cfg)
    first = error.with_suffix(".1").read_text()
    assert "from the server" in first
    assert "from the application" in first
    assert error.read_text().count("\n") == 1
    assert access.read_text().count("\n") == access.with_suffix(".1").read_text().count("\n") == 1


def test_logger_that_the_application_disables_by_name_is_silent(tmp_path: Path) -> None:
    path = tmp_path / "e"
    logs.setup(Config(errorlog=str(path)))
    logging.getLogger("gunicorn.error").disabled = True
    LOGGER.error("not wanted")
    assert path.read_text() == ""


@every_error
def test_value_that_raises_is_told_of_in_place_of_its_line(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "e"
    logs.setup(Config(errorlog=str(path)))
    LOGGER.error("see %s", Evil(error))
    LOGGER.error("too %d many %d", 1)
    LOGGER.info("next")
    first, second, third = path.read_text().splitlines()
    assert f"A line of the log cannot be made ({error.__name__}): 'see %s'" in first
    assert "cannot be made (TypeError)" in second
    assert third.endswith("next")


@every_error
@pytest.mark.parametrize("name", ["gunicorn.error", "fastfork.error"])
def test_filter_or_handler_that_raises_ends_nobody_and_is_told_once(
    tmp_path: Path, error: type[BaseException], name: str
) -> None:
    path = tmp_path / "e"
    logs.setup(Config(errorlog=str(path)))
    evil: Any = Evil(error)
    logging.getLogger(name).addFilter(evil)
    logging.getLogger(name).addHandler(evil)
    LOGGER.info("one")
    LOGGER.info("two")
    GUNICORNS.info("three")
    lines = path.read_text().splitlines()
    assert sum("raised " + error.__name__ in line for line in lines) in {1, 2}  # one a logger
    assert [line.split()[-1] for line in lines if "raised" not in line] == ["one", "two", "three"]


@every_error
def test_formatter_or_record_factory_that_raises_ends_nobody(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "e"
    logs.setup(Config(errorlog=str(path)))
    evil: Any = Evil(error)
    logging.setLogRecordFactory(lambda *_args, **_kwargs: evil.format(None))
    LOGGER.info("one")
    logging.setLogRecordFactory(lambda *_args, **_kwargs: None)  # type: ignore[arg-type,return-value]
    LOGGER.info("two")
    LOGGER.handlers[0].setFormatter(evil)
    LOGGER.info("three")
    one, two, three = path.read_text().splitlines()
    assert one.endswith("one")
    assert two.endswith("two")
    assert f"({error.__name__}): 'three'" in three


@every_error
def test_method_of_a_logger_class_that_raises_ends_nobody(
    tmp_path: Path, error: type[BaseException]
) -> None:
    class Own(Logger):
        def warning(self, *_: Any, **__: Any) -> None:
            raise error("evil")

        def access(self, *_: Any) -> None:
            raise error("evil")

        def reopen_files(self) -> None:
            raise error("evil")

    path = tmp_path / "e"
    cfg = Config(errorlog=str(path), accesslog=str(tmp_path / "a"), logger_class=Own)
    logs.setup(cfg)
    LOGGER.warning("lost")
    serve_one(cfg)
    logs.reopen()
    text = path.read_text()
    assert f"The warning() of the logger_class raised {error.__name__}: evil" in text
    assert "The access() of the logger_class raised" in text
    assert "The log files cannot be opened again: evil" in text


@pytest.mark.parametrize("form", ["%({shop}e)s %(U)s", '{"a": %({shop}e)s, "b": "%({shop}e)s"}'])
@every_error
def test_atom_that_raises_is_a_dash(tmp_path: Path, error: type[BaseException], form: str) -> None:
    path = tmp_path / "a"
    cfg = Config(accesslog=str(path), errorlog=str(tmp_path / "e"), access_log_format=form)
    logs.setup(cfg)
    serve_one(cfg, {**ENVIRON, "shop": Evil(error)})
    assert path.read_text() in {"- /a\n", '{"a": null, "b": "-"}\n'}


def test_path_that_the_application_has_replaced_by_anything_is_logged(tmp_path: Path) -> None:
    path = tmp_path / "a"
    cfg = Config(accesslog=str(path), errorlog=str(tmp_path / "e"), access_log_exclude=["/a*"])
    logs.setup(cfg)
    serve_one(cfg, {**ENVIRON, "PATH_INFO": {}})
    assert path.read_text().count("\n") == 1


def test_system_exit_of_a_signal_handler_passes_through_a_log_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.setup(Config(errorlog=str(tmp_path / "e")))
    monkeypatch.setattr(guard._process, "is_leaving", lambda: True)
    with pytest.raises(SystemExit):
        LOGGER.error("%s", Evil(SystemExit))
    LOGGER.error("%s", Evil(LookupError))


def test_records_of_the_server_reach_who_wraps_callhandlers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As agents do that report errors."""
    seen: list[str] = []
    real = logging.Logger.callHandlers

    def wrapped(self: logging.Logger, record: logging.LogRecord) -> None:
        seen.append(record.getMessage())
        real(self, record)

    monkeypatch.setattr(logging.Logger, "callHandlers", wrapped)
    logs.setup(Config(errorlog=str(tmp_path / "e")))
    LOGGER.error("once")
    assert seen == ["once"]


def test_named_logger_goes_where_the_application_sends_it_and_nowhere_else(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    logs.setup(Config(errorlog=str(ours)))
    logging.config.dictConfig(
        {
            "version": 1,
            "handlers": {"own": {"class": "logging.FileHandler", "filename": str(theirs)}},
            "loggers": {"gunicorn.error": {"handlers": ["own"], "level": "WARNING"}},
        }
    )
    LOGGER.info("too quiet")
    LOGGER.error("loud")
    assert theirs.read_text() == "loud\n"
    assert ours.read_text() == ""


@pytest.mark.parametrize("name", ["gunicorn.error", "fastfork.error"])
def test_level_counts_under_either_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / "e"
    logs.setup(Config(errorlog=str(path)))
    logging.getLogger(name).setLevel(logging.ERROR)
    LOGGER.warning("quiet")
    logging.getLogger(name).setLevel(logging.DEBUG)
    LOGGER.debug("loud")
    assert path.read_text().count("\n") == 1
    assert path.read_text().endswith("loud\n")


def test_logger_asked_for_before_the_server_is_the_same(tmp_path: Path) -> None:
    before = logging.getLogger("asked.before")
    assert serverlogger._ours("asked.before") is before
    logging.root.manager.loggerDict.pop("asked.before")


def test_request_time_of_the_slow_way_is_in_its_atoms() -> None:
    made = logs.current().atoms(
        type("R", (), {"status": "200 OK", "headers": [], "sent": 1}), [], ENVIRON,
        timedelta(seconds=2),
    )  # fmt: skip
    assert made["T"] == 2


def test_relative_path_stays_where_it_was_when_the_application_changes_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, elsewhere = tmp_path / "there", tmp_path / "elsewhere"
    there.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(there)
    cfg = Config(errorlog="e.log", accesslog="a.log")
    logs.setup(cfg)
    monkeypatch.chdir(elsewhere)
    for name in ("e.log", "a.log"):
        (there / name).rename(there / f"{name}.1")
    logs.reopen()
    LOGGER.info("on")
    serve_one(cfg)
    assert (there / "e.log").read_text().endswith("on\n")
    assert (there / "a.log").read_text().count("\n") == 1
    assert not list(elsewhere.iterdir())


def test_handlers_of_a_logconfig_write_to_standard_streams_as_ours(tmp_path: Path) -> None:
    """So that nobody waits for who does not read them."""
    own = tmp_path / "own.log"
    named = {
        "version": 1,
        "handlers": {
            "console": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"},
            "error_console": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr"},
            "file": {"class": "logging.FileHandler", "filename": str(own)},
        },
        "root": {"handlers": ["file"]},
    }
    logs.setup(Config(logconfig_dict=named))
    streams = [one.stream for one in (*GUNICORNS.handlers, *ACCESS.handlers)]
    assert [type(one).__name__ for one in streams] == ["StandardError", "Standard"]
    LOGGER.error("to both")
    assert own.read_text() == "to both\n"
