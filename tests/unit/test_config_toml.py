"""fastfork.toml, [tool.fastfork] in pyproject.toml, and which config file is read unasked."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from fastfork.config import SETTINGS, load, template
from fastfork.errors import ConfigError

NOT_IN_A_FILE = {"config", "check_config", "print_config"}


def complaints(folder: Path, **argv: object) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load(argv, {}, folder)
    return str(refused.value).splitlines()


def test_settings_are_the_keys_with_their_lines_as_origins(tmp_path: Path) -> None:
    path = tmp_path / "fastfork.toml"
    path.write_text(
        "# comment\nworkers = 3\ntimeout = '2m'\nbind = ['a:1', 'b:2']\n\"preload_app\" = true\n"
    )
    loaded = load({}, {}, tmp_path)
    cfg = loaded.config
    assert (cfg.workers, cfg.timeout, cfg.bind, cfg.preload_app) == (3, 120.0, ("a:1", "b:2"), True)
    assert loaded.origins["workers"] == f"{path} line 2"
    assert loaded.origins["preload_app"] == f"{path} line 5"
    assert loaded.notices == []


def test_hook_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "toml_hooks_module.py").write_text("def ready(server): pass\n")
    (tmp_path / "fastfork.toml").write_text("when_ready = 'toml_hooks_module.ready'\n")
    hook = load({}, {}, tmp_path).config.when_ready
    assert hook is not None
    assert hook.__name__ == "ready"


def test_table_of_pyproject_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("[project]\nname = 'x'\nworkers = 1\n\n[tool.fastfork]\nworkers = 4\n")
    loaded = load({}, {}, tmp_path)
    assert loaded.config.workers == 4
    assert loaded.origins["workers"] == f"{path} line 6"


@pytest.mark.parametrize("text", ["[project]\nname = 'x'\n", "[tool.fastforks]\na = 1", "[[broken"])
def test_pyproject_without_our_table_is_none_of_our_business(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert load({}, {}, tmp_path).config.config is None
    assert complaints(tmp_path, config="pyproject.toml")[0].startswith("config: 'pyproject.toml' ")


def test_unknown_key_is_an_error_with_the_suggestion(tmp_path: Path) -> None:
    path = tmp_path / "fastfork.toml"
    path.write_text("wrokers = 2\ngraceful_time = 3\nzzz = 1\nbacklog = 'x'\n[server]\nport = 1\n")
    lines = complaints(tmp_path)
    assert lines[:2] == [
        f"wrokers: there is no such setting; did you mean workers? ({path} line 1)",
        f"graceful_time: there is no such setting; did you mean graceful_timeout? ({path} line 2)",
    ]
    assert [line.partition(":")[0] for line in lines] == [
        "wrokers", "graceful_time", "zzz", "server", "backlog",
    ]  # fmt: skip
    assert lines[3].endswith(f"({path} line 5)")


def test_left_out_settings_and_config_are_told(tmp_path: Path) -> None:
    path = tmp_path / "fastfork.toml"
    path.write_text("dirty_workers = 2\nconfig = 'x'\n")
    assert load({}, {}, tmp_path).notices == [
        f"{path} line 2: config has no effect in a config file; use -c",
        f"{path}: settings that this version does not have, ignored: dirty_workers",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"workers = ", "is not TOML: Invalid value"),
        (b"\xff\xfe", "is not TOML text: "),
    ],
)
def test_file_that_is_no_toml_is_told_in_one_line(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "fastfork.toml").write_bytes(content)
    (line,) = complaints(tmp_path)
    assert said in line


def test_missing_file_is_told(tmp_path: Path) -> None:
    (line,) = complaints(tmp_path, config="x.toml")
    assert line.startswith("config: 'x.toml' does not exist (command line)")


# -- which file is read


def test_our_files_come_before_gunicorns_and_one_line_says_so(tmp_path: Path) -> None:
    names = ("gunicorn.conf.py", "pyproject.toml", "fastfork.toml", "fastfork.conf.py")
    for number, name in enumerate(names, start=2):
        table = "[tool.fastfork]\n" if name == "pyproject.toml" else ""
        (tmp_path / name).write_text(f"{table}workers = {number}\n")
        loaded = load({}, {}, tmp_path)
        assert loaded.config.workers == number
        (notice,) = [*loaded.notices, *loaded.remarks]
        assert notice.startswith(f"{tmp_path / name} is read")
    assert notice.endswith("fastfork.toml, pyproject.toml, gunicorn.conf.py")


def test_gunicorns_file_alone_gets_one_line(tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").write_text("workers = 2\n")
    loaded = load({}, {}, tmp_path)
    assert loaded.notices == []
    assert loaded.remarks == [
        f"{tmp_path / 'gunicorn.conf.py'} is read, as there is no fastfork.conf.py"
    ]
    assert load({"config": "gunicorn.conf.py"}, {}, tmp_path).remarks == []


# -- the file of `config init`


def test_new_file_loads_without_a_change(tmp_path: Path) -> None:
    (tmp_path / "fastfork.toml").write_text(template.render())
    loaded = load({}, {}, tmp_path)
    assert [name for name in SETTINGS if not loaded.is_default(name)] == []
    assert loaded.notices == []


def test_new_file_with_every_setting_uncommented_sets_the_defaults(tmp_path: Path) -> None:
    lines = template.render().splitlines()
    settings = [line[2:] for line in lines if line.startswith("# ") and " = " in line]
    known = [line for line in settings if line.partition(" = ")[0] in SETTINGS]
    text = "\n".join(known)
    assert set(tomllib.loads(text)) == set(SETTINGS) - NOT_IN_A_FILE
    (tmp_path / "fastfork.toml").write_text(text)
    plain = load({}, {}, tmp_path.parent).config
    cfg = load({}, {}, tmp_path).config
    differing = {n for n in SETTINGS if getattr(cfg, n) != getattr(plain, n)}
    assert differing == {"chdir", "config"}  # they name the directory
