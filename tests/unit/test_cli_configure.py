"""fastfork config show, explain, check, init."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastfork.cli.main import main
from fastfork.config import SETTINGS, template
from fastfork.config.gunicorn.names import OTHER_SETTINGS

APP = "def app(environ, start_response): return []\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty directory to start in."""
    for name in ("PORT", "WEB_CONCURRENCY", "GUNICORN_CMD_ARGS", "FASTFORK_CMD_ARGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_show_has_each_changed_setting_with_its_origin(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "fastfork.conf.py").write_text("\nbacklog = 100\ndef on_exit(server): pass\n")
    monkeypatch.setenv("FASTFORK_TIMEOUT", "2m")
    assert main(["config", "show", "--workers", "3", "shop:app"]) == 0
    path = folder / "fastfork.conf.py"
    lines = [line.split("  # ") for line in capsys.readouterr().out.splitlines()]
    assert [[value.strip(), origin] for value, origin in lines] == [
        ["wsgi_app = 'shop:app'", "command line"],
        ["backlog = 100", f"{path} line 2"],
        ["workers = 3", "command line"],
        ["timeout = 120.0", "environment variable FASTFORK_TIMEOUT"],
        ["# on_exit = __config__.on_exit", f"{path} line 3"],
    ]


def test_show_says_when_nothing_is_changed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show"]) == 0
    assert capsys.readouterr().out == "# every setting is at its default\n"


def test_show_tells_the_notices_apart(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "gunicorn.conf.py").write_text("worker = 3\n")
    assert main(["config", "show"]) == 0
    said = capsys.readouterr()
    assert "did you mean workers?" in said.err
    assert said.out.startswith("#")


@pytest.mark.parametrize("name", SETTINGS)
def test_explain_has_what_the_reference_has_and_the_value_here(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "explain", name]) == 0
    text = capsys.readouterr().out
    spec = SETTINGS[name]
    assert text.startswith(f"{name}\n\n{spec.help}\n")
    assert all(flag in text for flag in spec.flags)
    assert f"FASTFORK_{name.upper()}" in text
    assert text.splitlines()[-1].startswith("- Here: ")


@pytest.mark.parametrize("word", ["keepalive", "--keep-alive", "keep-alive", "KEEPALIVE"])
def test_explain_takes_options_too(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "explain", word]) == 0
    assert capsys.readouterr().out.startswith("keepalive\n")


def test_explain_shows_where_the_value_comes_from(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "fastfork.toml").write_text("workers = 4\n")
    assert main(["config", "explain", "workers"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"- Here: 4 ({folder / 'fastfork.toml'} line 1)"
    (folder / "fastfork.toml").write_text("workers = 'x'\n")
    assert main(["config", "explain", "workers"]) == 0
    assert "the settings have a mistake" in capsys.readouterr().out


@pytest.mark.parametrize("name", OTHER_SETTINGS)
def test_explain_says_what_to_do_without(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "explain", name]) == 0
    assert "A setting of gunicorn that is not here (" in capsys.readouterr().out


def test_check_is_exit_code_0_or_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check"]) == 0
    assert capsys.readouterr() == ("", "")
    (folder / "fastfork.toml").write_text("workers = 'x'\nbacklog = 0\nkepalive = 2\n")
    assert main(["config", "check"]) == 1
    assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        "kepalive", "workers", "backlog",
    ]  # fmt: skip


def test_check_loads_the_application_only_if_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "shop.py").write_text(APP)
    (folder / "bad.py").write_text("1 / 0\n")
    assert main(["config", "check", "bad:app"]) == 0
    assert main(["config", "check", "--app", "shop:app"]) == 0
    assert main(["config", "check", "--app", "bad:app"]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    (folder / "fastfork.toml").write_text("wsgi_app = 'bad:app'\n")
    assert main(["config", "check", "--app"]) == 1


def test_init_writes_a_file_and_does_not_replace_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "init"]) == 0
    assert (folder / "fastfork.toml").read_text() == template.render()
    (folder / "fastfork.toml").write_text("workers = 2\n")
    assert main(["config", "init"]) == 1
    assert "fastfork.toml is there already" in capsys.readouterr().err
    assert (folder / "fastfork.toml").read_text() == "workers = 2\n"
    assert main(["config", "init", "deploy.toml"]) == 0
    assert (folder / "deploy.toml").is_file()
    assert main(["config", "init", "no/such/place.toml"]) == 1


def test_init_prints_to_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "init", "-"]) == 0
    assert capsys.readouterr().out == template.render()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "'config' is none of show, explain, check, init"),
        (["shwo"], "'shwo' is none of show, explain, check, init"),
        (["explain"], "explain takes the name of one setting"),
        (["explain", "wrokers"], "there is no setting wrokers; did you mean workers?"),
        (["explain", "zzzz"], "there is no setting zzzz; fastfork --print-config lists them"),
        (["check", "--app"], "no application named; write config check --app MODULE:APP"),
        (["check", "--wokers", "3"], "there is no option --wokers; did you mean --workers?"),
        (["init", "a", "b"], "init takes one file at most"),
    ],
)
def test_bad_usage_is_exit_code_2(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", *words]) == 2
    assert said in capsys.readouterr().err


def test_help_lists_the_four(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {verb} " in text for verb in ("show", "explain", "check", "init"))
