"""Names in config files that are no settings."""

from __future__ import annotations

import os

import pytest

from fastfork.config import SETTINGS
from fastfork.config.gunicorn.names import OTHER_OPTIONS, misspelt, one_edit_apart


@pytest.mark.parametrize(
    ("a", "b"),
    [("worker", "workers"), ("workerss", "workers"), ("workerz", "workers"), ("wrokers", "workers"),
     ("orkers", "workers"), ("", "a"), ("bnid", "bind"), ("bidn", "bind")],
)  # fmt: skip
def test_one_slip_is_one_edit(a: str, b: str) -> None:
    assert one_edit_apart(a, b)
    assert one_edit_apart(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [("workers", "workers"), ("work", "workers"), ("wxrkerz", "workers"), ("dnib", "bind"),
     ("ab", "ba_"), ("", "ab")],
)  # fmt: skip
def test_anything_else_is_not(a: str, b: str) -> None:
    assert not one_edit_apart(a, b)
    assert not one_edit_apart(b, a)


def test_slip_of_the_pen_is_recognised() -> None:
    assert misspelt("worker", 2, SETTINGS) == "workers"
    assert misspelt("Workers", 2, SETTINGS) is None or misspelt("Workers", 2, SETTINGS) == "workers"
    assert misspelt("acceslog", "-", SETTINGS) == "accesslog"


def test_function_that_is_almost_a_hook_is_recognised() -> None:
    assert misspelt("when_redy", lambda server: 2, SETTINGS) == "when_ready"
    assert misspelt("post_frok", lambda server, worker: 2, SETTINGS) == "post_fork"
    assert misspelt("prefork", lambda server, worker: 2, SETTINGS) == "pre_fork"


def test_the_users_own_names_are_left_alone() -> None:
    assert misspelt("cpu_count", 2, SETTINGS) is None
    assert misspelt("_workers", 2, SETTINGS) is None
    assert misspelt("thread", os, SETTINGS) is None
    assert misspelt("thread", lambda: 2, SETTINGS) is None


def test_options_that_take_a_value_are_known() -> None:
    assert OTHER_OPTIONS["--dirty-workers"] == ("dirty_workers", True)
    assert OTHER_OPTIONS["--no-control-socket"] == ("control_socket_disable", False)
    assert OTHER_OPTIONS["--paster"] == OTHER_OPTIONS["--paste"] == ("paste", True)
