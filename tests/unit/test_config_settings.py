"""The settings table: complete, typed, documented, and the same in every place made from it."""

from __future__ import annotations

import re

import pytest

from fastfork.config import GROUPS, SETTINGS, Config
from fastfork.config.gunicorn.names import OTHER_OPTIONS, OTHER_SETTINGS
from fastfork.records import fields
from tools.reference.settings import render


def test_every_field_is_in_the_table_and_carries_its_spec() -> None:
    assert {field.name for field in fields(Config)} == set(SETTINGS)
    assert all(spec.name == name and spec.group for name, spec in SETTINGS.items())
    assert sum(len(fields(group)) for group in GROUPS) == len(SETTINGS)


@pytest.mark.parametrize("name", SETTINGS)
def test_default_passes_its_own_kind(name: str) -> None:
    spec = SETTINGS[name]
    assert spec.kind.parse(spec.default) == spec.default
    assert getattr(Config(), name) == spec.default


@pytest.mark.parametrize("name", SETTINGS)
def test_help_is_one_sentence(name: str) -> None:
    spec = SETTINGS[name]
    assert re.fullmatch(r"[A-Z][^\n]{10,120}\.", spec.help)
    assert not spec.more or spec.more.endswith(".")


def test_defaults_are_those_that_are_promised() -> None:
    cfg = Config()
    assert (cfg.bind, cfg.backlog, cfg.workers, cfg.worker_class) == (
        ("127.0.0.1:8000",), 2048, 1, "sync",
    )  # fmt: skip
    assert (cfg.timeout, cfg.graceful_timeout, cfg.keepalive) == (30.0, 30.0, 2.0)
    assert (cfg.header_timeout, cfg.body_timeout, cfg.write_timeout) == (10.0, 30.0, 60.0)
    assert (cfg.limit_request_line, cfg.limit_request_fields) == (8190, 100)
    assert (cfg.limit_request_field_size, cfg.limit_request_head) == (8190, 262144)
    assert cfg.limit_request_body == 1024**3
    assert (cfg.accesslog, cfg.errorlog, cfg.loglevel) == (None, "-", "info")


def test_config_is_never_changed() -> None:
    with pytest.raises(AttributeError):
        Config().workers = 2  # type: ignore[misc]


def test_no_two_settings_share_an_option() -> None:
    flags = [flag for spec in SETTINGS.values() for flag in spec.flags]
    switches = [flag for s in SETTINGS.values() if s.kind.switch for flag in s.flags]
    flags += [f"--no-{flag[2:]}" for flag in switches if flag.startswith("--")]
    assert len(flags) == len(set(flags))
    assert not set(flags) & set(OTHER_OPTIONS)


def test_options_are_those_of_gunicorn() -> None:
    flags = {flag for spec in SETTINGS.values() for flag in spec.flags}
    assert flags >= {
        "-c", "--config", "-b", "--bind", "--backlog", "-w", "--workers", "-k", "--worker-class",
        "--threads", "--worker-connections", "--max-requests", "--max-requests-jitter", "-t",
        "--timeout", "--graceful-timeout", "--keep-alive", "--limit-request-line",
        "--limit-request-fields", "--limit-request-field_size", "--check-config",
        "--print-config", "--preload", "--chdir", "-e", "--env", "-p", "--pid",
        "--access-logfile", "--access-logformat", "--error-logfile", "--log-file",
        "--log-level", "-n", "--name", "--pythonpath", "--http-parser",
    }  # fmt: skip


def test_a_setting_that_we_have_is_not_called_missing() -> None:
    assert not set(SETTINGS) & set(OTHER_SETTINGS)


def test_reference_has_one_heading_for_each_setting() -> None:
    headings = re.findall(r"^### (\w+)$", render(), re.M)
    assert headings == list(SETTINGS)


def test_reference_shows_what_a_reader_types() -> None:
    page = render()
    assert "- Option: `-t SECONDS`, `--timeout SECONDS`\n- Type: duration\n- Default: `30s`" in page
    assert "- Option: `--preload`, `--no-preload`" in page
    assert "- Environment: `FASTFORK_BIND`; `PORT` (as `0.0.0.0:$PORT`), below" in page
    assert "- Option: none, in a config file only" in page
