"""Loggers as gunicorn's users write them, and logging.config, without a server."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from fastfork import logs
from fastfork.config import Config
from fastfork.errors import ConfigError
from fastfork.logs import destination, glogging
from fastfork.logs.glogging import Logger, SafeAtoms
from fastfork.wsgi.request_hooks import Request, Response
from tests.kit.logged import ENVIRON, kept_loggers, serve_one


@pytest.fixture(autouse=True)
def loggers_left_as_found() -> Iterator[None]:
    with kept_loggers():
        yield


class Quiet(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return "/healthz" not in record.getMessage()


class Filtered(Logger):
    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        self.access_log.addFilter(Quiet())


class Prefixed(Logger):
    def info(self, msg: object, *args: object, **kwargs: Any) -> None:
        super().info(f"own: {msg}", *args, **kwargs)

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        super().exception(f"own: {msg}", *args, **kwargs)

    def now(self) -> str:
        return "[now]"

    def atoms(self, resp: Any, req: Any, environ: Any, request_time: Any) -> dict[str, Any]:
        return {**super().atoms(resp, req, environ, request_time), "shop": 'a"b\n'}


class Silent(Logger):
    """Sets up nothing, as those that hand over to another library do."""

    def setup(self, cfg: Config) -> None:
        self.cfg = cfg
        self.error_log.addHandler(Kept())
        self.error_log.setLevel("INFO")
        self.access_log.addHandler(Kept())
        self.access_log.setLevel("INFO")


class Kept(logging.Handler):
    lines: ClassVar[list[str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class Broken(Logger):
    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        raise LookupError("mend me")


def test_server_and_application_log_through_the_class(tmp_path: Path) -> None:
    path = tmp_path / "error.log"
    logs.setup(Config(errorlog=str(path), logger_class=Prefixed))
    logs.LOGGER.info("from %s", "the server")
    try:
        raise LookupError
    except LookupError:
        logs.LOGGER.exception("failed")
    logging.getLogger("gunicorn.error").info("from the application")
    logs.LOGGER.debug("not shown")
    lines = path.read_text().splitlines()
    assert lines[0].endswith("[INFO] own: from the server")
    assert lines[1].endswith("[ERROR] own: failed")
    assert lines[-1].endswith("[INFO] from the application")
    assert "LookupError" in lines[-2]


def test_access_line_is_made_by_the_class(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    cfg = Config(
        errorlog=str(tmp_path / "error.log"),
        accesslog=str(path),
        logger_class=Prefixed,
        access_log_format='%(t)s "%(r)s" %(s)s %(B)s %(D)s %({x-a}i)s %({X-B}o)s %(shop)s %(no)s',
    )
    logs.setup(cfg)
    serve_one(cfg)
    assert path.read_text() == '[now] "GET /a?b HTTP/1.1" 200 12 1234567 1 2 a\\x22b\\x0A -\n'


def test_filter_of_the_class_keeps_health_checks_out(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    cfg = Config(accesslog=str(path), errorlog=str(tmp_path / "e.log"), logger_class=Filtered)
    logs.setup(cfg)
    serve_one(cfg, {**ENVIRON, "RAW_URI": "/healthz"})
    serve_one(cfg)
    (line,) = path.read_text().splitlines()
    assert "/a?b" in line


def test_class_that_sets_up_nothing_gets_both_logs() -> None:
    Kept.lines.clear()
    cfg = Config(accesslog="-", logger_class=Silent, access_log_format="%(m)s")
    logs.setup(cfg)
    logs.LOGGER.warning("hello")
    serve_one(cfg)
    assert Kept.lines == ["hello", "GET"]


def test_reload_does_not_add_the_handlers_again() -> None:
    Kept.lines.clear()
    cfg = Config(accesslog="-", logger_class=Silent)
    logs.setup(cfg)
    logs.setup(cfg)
    logs.LOGGER.warning("hello")
    assert Kept.lines == ["hello"]


def test_default_comes_back_on_a_reload(tmp_path: Path) -> None:
    path = tmp_path / "error.log"
    logs.setup(Config(errorlog=str(path), logger_class=Prefixed))
    logs.setup(Config(errorlog=str(path)))
    logs.LOGGER.info("plain")
    logging.getLogger("gunicorn.error").info("borrowed")
    first, second = path.read_text().splitlines()
    assert first.endswith("[INFO] plain")
    assert second.endswith("[INFO] borrowed")


def test_class_that_fails_is_refused_and_the_log_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "error.log"
    logs.setup(Config(errorlog=str(path)))
    with pytest.raises(ConfigError, match=r"logger_class: .*Broken failed: LookupError: mend me"):
        logs.setup(Config(errorlog=str(tmp_path / "new.log"), logger_class=Broken))
    logs.LOGGER.info("still here")
    assert path.read_text().endswith("still here\n")
    logs.setup(Config(errorlog=str(path), logger_class=Prefixed))
    with pytest.raises(ConfigError):
        logs.setup(Config(errorlog=str(path), logger_class=Broken))
    logs.LOGGER.info("still here")
    assert path.read_text().endswith("own: still here\n")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("no.such.Logger", "cannot be imported"),
        ("fastfork.logs.glogging.Missing", "cannot be imported"),
        ("fastfork.logs.glogging.loggers", "is no class"),
    ],
)
def test_class_that_is_not_there_is_one_line(name: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint) as refused:
        logs.setup(Config(logger_class=name))
    assert "\n" not in str(refused.value)


def test_class_is_found_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "e.log"
    logs.setup(Config(errorlog=str(path), logger_class=f"{__name__}.Prefixed"))
    logs.LOGGER.info("hello")
    assert path.read_text().endswith("own: hello\n")


def test_hooks_get_a_logger_by_default() -> None:
    logs.setup(Config())
    assert isinstance(logs.current(), Logger)
    assert logs.current().error_log is logs.LOGGER
    names = "critical error warning info debug exception log access access_log setup atoms now"
    for name in [*names.split(), "reopen_files", "close_on_exec", "access_log_enabled"]:
        assert hasattr(logs.current(), name)


def test_applications_borrow_handlers_and_level_by_gunicorns_name() -> None:
    logs.setup(Config(loglevel="debug"))
    borrowed = logging.getLogger("gunicorn.error")
    assert borrowed.handlers == logs.LOGGER.handlers != []
    assert borrowed.level == logging.DEBUG


def test_methods_take_what_gunicorns_take(caplog: pytest.LogCaptureFixture) -> None:
    made = destination.Plain(Config())
    logs.LOGGER.propagate = True
    with caplog.at_level(logging.DEBUG, "fastfork.error"):
        made.debug("%s", 1)
        made.log("warning", "%s", 2)
        made.log(logging.CRITICAL, "%s", 3)
        made.log("nonsense", "%s", 4)
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [
        ("DEBUG", "1"), ("WARNING", "2"), ("CRITICAL", "3"), ("INFO", "4"),
    ]  # fmt: skip
    assert glogging.loggers()
    assert made.close_on_exec() is None  # type: ignore[func-returns-value]


def test_atoms_are_those_of_gunicorn() -> None:
    made = destination.Plain(Config()).atoms(
        Response("200 OK", [("X-B", "2")], 0), Request(ENVIRON), ENVIRON, timedelta(seconds=1.5)
    )
    assert set("hlturmUqHsbBfaTDMLp") <= set(made)
    assert (made["b"], made["T"], made["M"], made["D"]) == ("-", 1, 1500, 1_500_000)
    assert (made["L"], made["p"]) == ("1.500000", f"<{os.getpid()}>")
    assert (made["{x-a}i"], made["{x-b}o"], made["{path_info}e"]) == ("1", "2", "/a")


def test_atoms_are_escaped_when_asked_for() -> None:
    atoms = SafeAtoms({"a": '"\n', "{x}i": "1", "B": 12, "n": None})
    assert (atoms["a"], atoms["{X}i"], atoms["B"], atoms["none"]) == ("\\x22\\x0A", "1", 12, "-")


def test_line_that_cannot_be_made_is_told_of(tmp_path: Path) -> None:
    class Odd(Logger):
        def atoms(self, *_: Any) -> dict[str, Any]:
            raise LookupError("odd")

    path = tmp_path / "e.log"
    cfg = Config(errorlog=str(path), accesslog=str(tmp_path / "a.log"), logger_class=Odd)
    logs.setup(cfg)
    serve_one(cfg)
    assert "LookupError: odd" in path.read_text()


def test_access_that_raises_does_not_stop_the_server(tmp_path: Path) -> None:
    class Odd(Logger):
        def access(self, *_: Any) -> None:
            raise LookupError("odd")

    path = tmp_path / "e.log"
    cfg = Config(errorlog=str(path), accesslog=str(tmp_path / "a.log"), logger_class=Odd)
    logs.setup(cfg)
    serve_one(cfg)
    assert "LookupError: odd" in path.read_text()


def test_refused_request_is_logged_by_the_class_too(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    cfg = Config(accesslog=str(path), errorlog=str(tmp_path / "e.log"), logger_class=Prefixed,
                 access_log_format='%(h)s "%(r)s" %(s)s')  # fmt: skip
    logs.setup(cfg)
    serve_one(cfg, {"REMOTE_ADDR": "192.0.2.1"}, "400 Bad Request")
    assert path.read_text() == '192.0.2.1 "- - -" 400\n'


def test_files_are_reopened_after_they_were_moved(tmp_path: Path) -> None:
    error, access, own = tmp_path / "e.log", tmp_path / "a.log", tmp_path / "own.log"
    handler = logging.FileHandler(own)
    logging.getLogger("shop").addHandler(handler)
    cfg = Config(errorlog=str(error), accesslog=str(access), logger_class=Prefixed)
    logs.setup(cfg)
    try:
        for path in (error, access, own):
            path.rename(path.with_suffix(".1"))
        logs.reopen()
        logs.LOGGER.error("new")
        serve_one(cfg)
        logging.getLogger("shop").error("new")
        assert all(path.read_text() for path in (error, access, own))
    finally:
        logging.getLogger("shop").removeHandler(handler)
        handler.close()
