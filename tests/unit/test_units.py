"""The unit files of the documentation fit what the program does."""

from __future__ import annotations

import configparser
import shlex
from pathlib import Path

import pytest

from fastfork.cli.parser import CommandLineParser
from fastfork.config import Config
from fastfork.errors import AppNotFound, BootError

UNITS = Path(__file__).parents[2] / "docs" / "how-to" / "units"

pytestmark = pytest.mark.skipif(not UNITS.is_dir(), reason="no checkout around the tests")


def read(name: str) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string((UNITS / name).read_text())
    return unit


def test_command_of_the_service_is_one_that_works() -> None:
    program, *words = shlex.split(read("fastfork.service")["Service"]["ExecStart"])
    assert program.endswith("/fastfork")
    assert CommandLineParser().options(words) == {"workers": "4", "wsgi_app": "shop:app"}


def test_systemd_waits_longer_than_the_server_does() -> None:
    service = read("fastfork.service")["Service"]
    assert int(service["TimeoutStopSec"]) > Config().graceful_timeout
    assert service["KillMode"] == "mixed"
    # The loop turns once a second, and tells after half of the time.
    assert int(service["WatchdogSec"]) > 2


def test_start_that_cannot_work_is_not_tried_again() -> None:
    codes = read("fastfork.service")["Service"]["RestartPreventExitStatus"].split()
    assert {int(code) for code in codes} == {BootError.exit_code, AppNotFound.exit_code}


def test_socket_has_the_backlog_of_the_program_and_a_name() -> None:
    unit = read("fastfork.socket")["Socket"]
    assert int(unit["Backlog"]) == Config().backlog
    assert unit["FileDescriptorName"] == "web"
    page = UNITS.parent / "systemd.md"
    assert "`systemd:web`" in page.read_text()
