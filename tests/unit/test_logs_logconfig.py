"""logconfig, logconfig_dict and logconfig_json, without a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fastfork import logs
from fastfork.config import Config
from fastfork.errors import ConfigError
from tests.kit.logged import kept_loggers, serve_one


@pytest.fixture(autouse=True)
def loggers_left_as_found() -> Iterator[None]:
    with kept_loggers():
        yield


DICT = {
    "formatters": {"generic": {"format": "%(levelname)s %(request_id)s %(message)s"}},
    "handlers": {
        "error_console": {"class": "logging.FileHandler", "formatter": "generic"},
        "console": {"class": "logging.FileHandler"},
    },
    "root": {"handlers": []},
}


def dict_config(tmp_path: Path, *names: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(DICT))
    made["handlers"]["error_console"]["filename"] = str(tmp_path / "error.log")
    made["handlers"]["console"]["filename"] = str(tmp_path / "access.log")
    if names:
        made["loggers"] = {
            name: {"handlers": ["console" if "access" in name else "error_console"]}
            for name in names
        }
    return made


@pytest.mark.parametrize(
    "names", [(), ("gunicorn.error", "gunicorn.access"), ("fastfork.error", "fastfork.access")]
)
def test_dict_sends_both_logs(tmp_path: Path, names: tuple[str, ...]) -> None:
    cfg = Config(logconfig_dict=dict_config(tmp_path, *names), access_log_format="%(m)s")
    logs.setup(cfg)
    logs.LOGGER.warning("hello")
    serve_one(cfg)
    assert (tmp_path / "error.log").read_text() == "WARNING - hello\n"
    assert (tmp_path / "access.log").read_text() == "GET\n"


def test_logger_that_the_dict_does_not_name_keeps_its_file(tmp_path: Path) -> None:
    path = tmp_path / "kept.log"
    given = dict_config(tmp_path, "gunicorn.access")
    del given["handlers"]["error_console"]  # nobody would own it
    cfg = Config(errorlog=str(path), logconfig_dict=given, access_log_format="%(m)s")
    logs.setup(cfg)
    logs.LOGGER.warning("hello")
    serve_one(cfg)
    assert path.read_text().endswith("hello\n")
    assert (tmp_path / "access.log").read_text() == "GET\n"


def test_dict_that_disables_other_loggers_does_not_silence_the_server(tmp_path: Path) -> None:
    path = tmp_path / "kept.log"
    given = {**dict_config(tmp_path, "shop"), "disable_existing_loggers": True}
    del given["handlers"]["console"]
    logs.setup(Config(errorlog=str(path), logconfig_dict=given))
    logs.LOGGER.warning("hello")
    assert path.read_text().endswith("hello\n")


def test_json_file_is_as_good_as_a_dict(tmp_path: Path) -> None:
    file = tmp_path / "logging.json"
    file.write_text(json.dumps(dict_config(tmp_path)))
    logs.setup(Config(logconfig_json=str(file)))
    logs.LOGGER.warning("hello")
    assert (tmp_path / "error.log").read_text() == "WARNING - hello\n"


INI = """
[loggers]
keys = root, error, access
[handlers]
keys = error, access
[formatters]
keys = short
[logger_root]
handlers =
[logger_error]
qualname = gunicorn.error
level = INFO
propagate = 0
handlers = error
[logger_access]
qualname = gunicorn.access
propagate = 0
handlers = access
[handler_error]
class = FileHandler
formatter = short
args = ("%(here)s/error.log",)
[handler_access]
class = FileHandler
formatter = short
args = ("%(here)s/access.log",)
[formatter_short]
format = %(levelname)s %(message)s
"""


def test_ini_file_sends_both_logs(tmp_path: Path) -> None:
    file = tmp_path / "logging.ini"
    file.write_text(INI)
    cfg = Config(logconfig=str(file), access_log_format="%(m)s")
    logs.setup(cfg)
    logs.LOGGER.warning("hello")
    serve_one(cfg)
    assert (tmp_path / "error.log").read_text() == "WARNING hello\n"
    assert (tmp_path / "access.log").read_text() == "INFO GET\n"


@pytest.mark.parametrize(
    ("setting", "text", "complaint"),
    [
        ("logconfig_json", None, "cannot read"),
        ("logconfig_json", "{", "is not JSON"),
        ("logconfig_json", "[]", "is no object"),
        ("logconfig_json", '{"handlers": {"console": {"class": "no.Such"}}}', "no.Such"),
        ("logconfig_json", '{"version": 2}', "version"),
        ("logconfig", None, "No such file"),
        ("logconfig", "nonsense", "logging.config.fileConfig"),
        ("logconfig", "[loggers]\nkeys = root\n", "logging.config.fileConfig"),
    ],
)
def test_file_that_is_no_configuration_is_one_line(
    tmp_path: Path, setting: str, text: str | None, complaint: str
) -> None:
    file = tmp_path / "file"
    if text is not None:
        file.write_text(text)
    logs.setup(Config(errorlog=str(tmp_path / "e.log")))
    with pytest.raises(ConfigError, match=complaint) as refused:
        logs.setup(Config(**{setting: str(file)}))
    assert str(refused.value).startswith(f"{setting}: ")
    assert "\n" not in str(refused.value)
    logs.LOGGER.info("still here")
    assert (tmp_path / "e.log").read_text().endswith("still here\n")
