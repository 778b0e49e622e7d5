"""A logger_class or a logconfig in a running server.

Runs in: cli
"""

from __future__ import annotations

import json

import pytest

from tests.conftest import Starter
from tests.kit.waiting import wait_until

APP = "talkative:app"

LOGGER = """
import logging
from fastfork.logs.glogging import Logger


class NoHealthChecks(logging.Filter):
    def filter(self, record):
        return "/healthz" not in record.getMessage()


class Mine(Logger):
    def setup(self, cfg):
        super().setup(cfg)
        self.access_log.addFilter(NoHealthChecks())

    def atoms(self, resp, req, environ, request_time):
        made = super().atoms(resp, req, environ, request_time)
        made["shop"] = f"{resp.status_code} {req.method} {environ['PATH_INFO']}"
        return made

    def warning(self, msg, *args, **kwargs):
        super().warning(f"mine: {msg}", *args, **kwargs)


def when_ready(server):
    server.log.warning("from a hook of %s", type(server.log).__name__)


def post_worker_init(worker):
    worker.log.error_log.info("and of a worker")
"""


@pytest.mark.parametrize("named", ["class", "text"])
@pytest.mark.effect("logger_class")
def test_logger_class_does_the_logging(start_server: Starter, named: str) -> None:
    value = "Mine" if named == "class" else "'mylogs.Mine'"
    text = LOGGER + f"\nlogger_class = {value}\naccesslog = 'a.log'\n"
    text += "access_log_format = '%(shop)s %({x-out}o)s'\n"
    server = start_server(
        APP, config=text, ready=False,
        through=("/bin/sh", "-c", 'cp fastfork.conf.py mylogs.py && exec "$0" "$@"'),
    ).wait_ready()  # fmt: skip
    server.log.wait_for("[WARNING] mine: from a hook of Mine")
    server.log.wait_for("[INFO] and of a worker")
    server.get("/healthz")
    server.get("/log")
    path = server.files / "a.log"
    wait_until(lambda: path.exists() and path.read_text(), "a line")
    assert path.read_text() == "200 GET /log out\n"
    path.rename(server.files / "a.log.1")
    server.signal("reopen")
    wait_until(path.exists, "a new file")


@pytest.mark.effect("logger_class")
def test_logger_class_that_is_not_there_stops_the_start(start_server: Starter) -> None:
    server = start_server(APP, "--logger-class", "no.such.Logger", ready=False)
    server.expected_exit = 1
    server.process.wait(10)
    server.log.wait_for("logger_class: 'no.such.Logger' cannot be imported")


@pytest.mark.effect("logger_class")
def test_reload_with_a_broken_logger_keeps_the_old_one(start_server: Starter) -> None:
    server = start_server(APP, config=f"{LOGGER}\nlogger_class = Mine")
    server.write_config(LOGGER.replace("super().setup(cfg)", "1 / 0") + "\nlogger_class = Mine")
    server.signal("reload")
    server.log.wait_for("reload refused: logger_class: ")
    assert server.get("/").status == 200


def dict_config(where: str) -> dict[str, object]:
    return {
        "version": 1,
        "formatters": {"generic": {"format": f"{where} %(levelname)s %(message)s"}},
    }


@pytest.mark.effect("logconfig_dict")
def test_logconfig_dict_sends_both_logs(start_server: Starter) -> None:
    server = start_server(
        APP, config=f"logconfig_dict = {dict_config('DICT')!r}\naccess_log_format = '%(m)s %(U)s'"
    )
    server.get("/log")
    server.log.wait_for("DICT WARNING logged by the application")
    server.log.wait_for("DICT INFO GET /log")


@pytest.mark.effect("logconfig_json")
def test_logconfig_json_sends_both_logs(start_server: Starter) -> None:
    text = (
        "import json, pathlib\n"
        f"pathlib.Path('logging.json').write_text({json.dumps(dict_config('JSON'))!r})\n"
        "logconfig_json = 'logging.json'\naccess_log_format = '%(m)s %(U)s'"
    )
    server = start_server(APP, config=text)
    server.get("/log")
    server.log.wait_for("JSON WARNING logged by the application")
    server.log.wait_for("JSON INFO GET /log")


INI = """
[loggers]
keys = root, error, access
[handlers]
keys = console
[formatters]
keys = short
[logger_root]
handlers = console
[logger_error]
qualname = gunicorn.error
level = INFO
propagate = 0
handlers = console
[logger_access]
qualname = gunicorn.access
level = INFO
propagate = 0
handlers = console
[handler_console]
class = StreamHandler
formatter = short
args = (sys.stderr,)
[formatter_short]
format = INI %(levelname)s %(message)s
"""


@pytest.mark.effect("logconfig")
def test_logconfig_sends_both_logs(start_server: Starter) -> None:
    text = (
        f"import pathlib\npathlib.Path('logging.ini').write_text({INI!r})\n"
        "logconfig = 'logging.ini'\naccess_log_format = '%(m)s %(U)s'"
    )
    server = start_server(APP, config=text)
    server.get("/log")
    server.log.wait_for("INI WARNING logged by the application")
    server.log.wait_for("INI INFO GET /log")


@pytest.mark.effect("logconfig")
def test_logconfig_that_is_not_there_stops_the_start(start_server: Starter) -> None:
    server = start_server(APP, "--log-config", "missing.ini", ready=False)
    server.expected_exit = 1
    server.process.wait(10)
    server.log.wait_for("logconfig: cannot use")
