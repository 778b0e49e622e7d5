"""Filters, levels and handlers on the access log's loggers, as users of gunicorn write them."""

from __future__ import annotations

import logging
import logging.config
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fastfork import logs
from fastfork.config import Config
from fastfork.logs.accesslog import AccessLog
from fastfork.logs.base.serverlogger import ACCESS, GUNICORNS, LOGGER
from tests.kit.logged import ENVIRON, kept_loggers, serve_one


@pytest.fixture(autouse=True)
def loggers_left_as_found() -> Iterator[None]:
    with kept_loggers():
        yield


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class NoHealth(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return "/a" not in record.getMessage()


class ByAtom(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return record.args["U"] != "/a"  # type: ignore[index,call-overload]


IDIOMS: dict[str, Callable[[logging.Logger], object]] = {
    "filter of the line": lambda log: log.addFilter(NoHealth()),
    "filter of an atom": lambda log: log.addFilter(ByAtom()),
    "filter of the list": lambda log: log.filters.append(NoHealth()),
    "filter of the handler": lambda log: [one.addFilter(NoHealth()) for one in log.handlers],
    "level": lambda log: log.setLevel(logging.WARNING),
    "disabled": lambda log: setattr(log, "disabled", True),
    "no handler": lambda log: log.handlers.clear(),
}


@pytest.mark.parametrize("idiom", IDIOMS)
@pytest.mark.parametrize("name", ["gunicorn.access", "fastfork.access"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_access_logger_obeys(tmp_path: Path, idiom: str, name: str, when: str) -> None:
    """before: the log is made after that, as a worker does; after: the loop looks again."""
    path = tmp_path / "access.log"
    cfg = Config(accesslog=str(path), errorlog=str(tmp_path / "e"))
    logs.setup(cfg)
    if when == "before":
        IDIOMS[idiom](logging.getLogger(name))
    log = AccessLog(cfg)
    if when == "after":
        assert not log.has_changed()
        IDIOMS[idiom](logging.getLogger(name))
        assert log.has_changed()
        log.look_again()
    assert log.line_waits
    assert not log.has_changed()
    is_filter = idiom.startswith("filter")
    for target in ("/a", "/b") if is_filter else ("/a",):
        environ = {**ENVIRON, "PATH_INFO": target, "RAW_URI": target}
        log.write([log.line(environ, "200 OK", 1, 1, [])])
    assert path.read_text().count("\n") == is_filter
    assert "/a" not in path.read_text()


@pytest.mark.parametrize("name", ["gunicorn.access", "fastfork.access"])
def test_own_handler_of_the_access_logger_gets_each_line_besides_the_file(
    tmp_path: Path, name: str
) -> None:
    path, kept = tmp_path / "access.log", Kept()
    cfg = Config(accesslog=str(path), errorlog=str(tmp_path / "e"), access_log_format="%(m)s %(U)s")
    logs.setup(cfg)
    logging.getLogger(name).addHandler(kept)
    serve_one(cfg)
    (record,) = kept.records
    assert record.getMessage() == "GET /a"
    assert record.name == "gunicorn.access"
    assert path.read_text() == "GET /a\n"


def test_line_of_the_slow_way_is_that_of_the_quick_one(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    form = '%(h)s %(l)s %(u)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s" %(D)s %({x-b}o)s'
    cfg = Config(accesslog=str(path), errorlog=str(tmp_path / "e"), access_log_format=form)
    logs.setup(cfg)
    serve_one(cfg)
    ACCESS.addFilter(lambda _record: True)
    serve_one(cfg)
    first, second = path.read_text().splitlines()
    assert first == second


def test_what_a_config_file_adds_is_kept_and_not_added_again_by_a_reload(tmp_path: Path) -> None:
    """It runs before the log is set up, and once more at each reload."""

    class Again(Kept):
        pass

    path = tmp_path / "e"
    made: list[Again] = []
    for _ in range(3):
        made.append(Again())
        GUNICORNS.addHandler(made[-1])
        ACCESS.addFilter(NoHealth())
        logs.setup(Config(errorlog=str(path), accesslog=str(tmp_path / "a")))
    LOGGER.info("once")
    assert [len(one.records) for one in made] == [0, 0, 1]
    assert sum(isinstance(one, NoHealth) for one in ACCESS.filters) == 1


def test_without_anybody_elses_the_line_is_the_compiled_one(tmp_path: Path) -> None:
    cfg = Config(accesslog=str(tmp_path / "a"), errorlog=str(tmp_path / "e"))
    logs.setup(cfg)
    assert not AccessLog(cfg).line_waits
    logging.config.dictConfig({"version": 1})
    assert not AccessLog(cfg).line_waits


def test_handlers_that_applications_borrow_are_there_under_both_names(tmp_path: Path) -> None:
    logs.setup(Config(accesslog=str(tmp_path / "a"), errorlog=str(tmp_path / "e")))
    assert logging.getLogger("gunicorn.access").handlers
    assert logging.getLogger("fastfork.access").handlers
    logging.getLogger("gunicorn.access").info("borrowed")
    assert (tmp_path / "a").read_text() == "borrowed\n"
