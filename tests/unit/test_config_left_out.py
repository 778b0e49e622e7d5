"""Settings that we do not have: ignored in one line a source, or refused where that is unsafe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from fastfork.cli.parser import CommandLineParser
from fastfork.config import Loaded, load
from fastfork.config.gunicorn.leftout import part_of, refusal
from fastfork.config.gunicorn.names import OTHER_SETTINGS
from fastfork.errors import ConfigError


def load_words(folder: Path, *words: str, environ: Mapping[str, str] = {}) -> Loaded:
    return load(CommandLineParser().options(words), environ, folder)


def test_each_source_tells_what_it_ignores_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "fastfork.conf.py"
    path.write_text("dirty_workers = 2\ndirty_timeout = 3\nraw_paste_global_conf = 1\n")
    environ = {
        "FASTFORK_DIRTY_APPS": "x",
        "GUNICORN_CMD_ARGS": "--dirty-workers 2 --no-control-socket",
    }
    words = ("--dirty-threads", "2", "--paste", "x.ini", "--paste", "y.ini")
    ignored = "settings that this version does not have, ignored"
    loaded = load_words(tmp_path, *words, environ=environ)
    assert loaded.remarks == [
        "GUNICORN_CMD_ARGS: settings that are not needed here: --no-control-socket"
    ]
    assert loaded.notices == [
        f"environment: {ignored}: FASTFORK_DIRTY_APPS",
        f"GUNICORN_CMD_ARGS: {ignored}: --dirty-workers",
        f"command line: {ignored}: --dirty-threads, --paste",
        f"{path}: {ignored}: dirty_workers, dirty_timeout, raw_paste_global_conf",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [("protocol", "uwsgi"), ("protocol", True)],
)
def test_setting_that_cannot_be_left_out_safely_is_refused(
    tmp_path: Path, name: str, value: object
) -> None:
    path = tmp_path / "fastfork.conf.py"
    path.write_text(f"{name} = {value!r}\nworkers = 'x'\n")
    with pytest.raises(ConfigError) as refused:
        load({}, {}, tmp_path)
    lines = str(refused.value).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{name}: this version ")
    assert lines[0].endswith(f"({path} line 1)")
    assert lines[1].startswith("workers: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [("protocol", None), ("protocol", ""), ("protocol", "http"), ("protocol", "HTTP"),
     ("dirty_workers", 2)],
)  # fmt: skip
def test_value_that_switches_it_off_is_ignored(name: str, value: object) -> None:
    assert refusal(name, value) is None


@pytest.mark.parametrize(
    ("words", "environ", "origin"),
    [
        (["--protocol", "x"], {}, "--protocol, command line"),
        ([], {"GUNICORN_CMD_ARGS": "--protocol x"}, "--protocol, GUNICORN_CMD_ARGS"),
        ([], {"FASTFORK_PROTOCOL": "x"}, "FASTFORK_PROTOCOL, environment"),
    ],
)
def test_it_is_refused_from_every_source(
    tmp_path: Path, words: list[str], environ: dict[str, str], origin: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        load_words(tmp_path, *words, environ=environ)
    assert str(refused.value).startswith("protocol: this version speaks HTTP only")
    assert str(refused.value).endswith(f"({origin})")


def test_option_without_its_value_is_as_good_as_true(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^protocol: this version speaks HTTP only"):
        load_words(tmp_path, "--protocol")


@pytest.mark.parametrize("name", OTHER_SETTINGS)
def test_each_belongs_to_a_part_and_has_advice(name: str) -> None:
    part, instead = part_of(name)
    assert part
    assert instead
