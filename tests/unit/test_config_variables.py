"""FASTFORK_<NAME>, for every setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastfork.config import SETTINGS, load
from fastfork.errors import ConfigError

# What a variable says, and what that is.  Settings that are not here take the text as it is.
TEXTS: dict[str, tuple[str, object]] = {
    "bind": ("a:1,b:2", ("a:1", "b:2")),
    "timeout": ("500ms", 0.5),
    "keepalive": ("2m", 120.0),
    "limit_request_body": ("512M", 512 * 1024**2),
    "preload_app": ("yes", True),
    "reload": ("off", False),
    "raw_env": ("A=1,B=2", ("A=1", "B=2")),
    "reload_extra_files": ("a.html,b.html", ("a.html", "b.html")),
    "umask": ("022", 0o22),
    "loglevel": ("DEBUG", "debug"),
    "proc_name": (" shop ", "shop"),
    "when_ready": ("builtins.print", print),
}


@pytest.mark.parametrize("name", TEXTS)
def test_variable_sets_its_setting(tmp_path: Path, name: str) -> None:
    text, expected = TEXTS[name]
    variable = f"FASTFORK_{name.upper()}"
    loaded = load({}, {variable: text}, tmp_path)
    assert getattr(loaded.config, name) == expected
    assert loaded.origins[name] == f"environment variable {variable}"
    assert loaded.notices == []


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_has_one(tmp_path: Path, name: str) -> None:
    """A value that nothing takes comes back with the variable's name, or is taken."""
    variable = f"FASTFORK_{name.upper()}"
    try:
        loaded = load({}, {variable: "\0"}, tmp_path)
    except ConfigError as refused:
        assert f"environment variable {variable}" in str(refused)  # noqa: PT017
    else:
        assert loaded.origins[name] == f"environment variable {variable}"


def test_variable_is_above_the_file_and_below_the_options(tmp_path: Path) -> None:
    (tmp_path / "fastfork.conf.py").write_text("workers = 2\n")
    environ = {"FASTFORK_WORKERS": "3", "WEB_CONCURRENCY": "9"}
    assert load({}, environ, tmp_path).config.workers == 3
    environ["GUNICORN_CMD_ARGS"] = "-w 4"
    assert load({}, environ, tmp_path).config.workers == 4


def test_config_file_can_be_named_by_a_variable(tmp_path: Path) -> None:
    (tmp_path / "deploy.py").write_text("workers = 2\n")
    assert load({}, {"FASTFORK_CONFIG": "deploy.py"}, tmp_path).config.workers == 2
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "fastfork.toml").write_text("workers = 3\n")
    assert load({}, {"FASTFORK_CHDIR": "site"}, tmp_path).config.workers == 3


def test_empty_and_foreign_variables_are_left_alone(tmp_path: Path) -> None:
    environ = {"FASTFORK_WORKERS": "", "FASTFORK_DEBUG": "1", "fastfork_timeout": "x"}
    loaded = load({}, environ, tmp_path)
    assert loaded.config.workers == 1
    assert loaded.notices == []


def test_slip_in_a_variable_gets_a_line(tmp_path: Path) -> None:
    assert load({}, {"FASTFORK_WORKER": "3"}, tmp_path).notices == [
        (
            "environment variable FASTFORK_WORKER: there is no setting worker; "
            "did you mean FASTFORK_WORKERS?"
        )
    ]


def test_sendfile_of_gunicorns_variable(tmp_path: Path) -> None:
    assert load({}, {"SENDFILE": "n"}, tmp_path).config.sendfile is False
    assert load({}, {"SENDFILE": "y"}, tmp_path).config.sendfile is True
