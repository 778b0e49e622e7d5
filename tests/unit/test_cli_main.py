"""The command: usage, checks, exit codes, and what the arbiter is given."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

import fastfork
import fastfork.arbiter
from fastfork import logs
from fastfork.cli.main import main

APP = "import os\ndef app(environ, start_response): return []\n"


class FakeArbiter:
    """Takes what an arbiter takes, and runs no server."""

    made: ClassVar[list[FakeArbiter]] = []

    def __init__(
        self,
        loaded: Any,
        *,
        reload: Callable[[], Any],
        load_app: Callable[[Any], Any],
        **others: Any,
    ) -> None:
        self.loaded, self.reload, self.load_app = loaded, reload, load_app
        self.others = others
        self.made.append(self)

    def run(self) -> int:
        return 7


@pytest.fixture(autouse=True)
def clean_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of its own to start in; what the command changes in the process is undone."""
    for name in ("PORT", "WEB_CONCURRENCY", "GUNICORN_CMD_ARGS", "FASTFORK_CMD_ARGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(fastfork.arbiter, "Arbiter", FakeArbiter)
    monkeypatch.setattr(FakeArbiter, "made", [])
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.py").write_text(APP)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]
    for handler in list(logs.LOGGER.handlers):
        logs.LOGGER.removeHandler(handler)
        handler.close()
    logs.LOGGER.propagate = True


# -- usage


@pytest.mark.parametrize("option", ["-v", "--version"])
def test_version_is_said_as_gunicorn_says_it(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([option]) == 0
    assert capsys.readouterr().out == f"fastfork (version {fastfork.__version__})\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no application named; write MODULE:APP, such as shop:app"),
        (["--wokers", "3", "shop:app"], "there is no option --wokers; did you mean --workers?"),
        (["--wokers=3", "shop:app"], "there is no option --wokers; did you mean --workers?"),
        (["--work", "3", "shop:app"], "there is no option --work; did you mean --workers?"),
        (["--zzzzz", "shop:app"], "there is no option --zzzzz; fastfork --help-all lists them"),
        (["shop:app", "other:app"], "one MODULE:APP is enough; remove other:app"),
        (["shop:app", "-w", "2", "x"], "one MODULE:APP is enough; remove x"),
        (["singal", "stop"], "singal is no command; did you mean fastfork signal?"),
        (["confg", "show"], "confg is no command; did you mean fastfork config?"),
        (["shop:app", "-w"], "argument -w/--workers: expected one argument"),
    ],
)  # fmt: skip
def test_bad_usage_is_exit_code_2(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.startswith(f"fastfork: {said}")
    assert written.err.count("\n") == 1


# -- bad settings


def test_bad_values_are_told_together_and_are_exit_code_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["-w", "many", "-b", "8000", "--no-preload", "shop:app"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        (
            "bind: '8000' is a port without a host; write 127.0.0.1:8000 or 0.0.0.0:8000 "
            "(command line)"
        ),
        "workers: 'many' is not an integer; write a whole number from 1 to 1024 (command line)",
    ]


def test_config_file_that_raises_is_exit_code_1(
    clean_process: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (clean_process / "gunicorn.conf.py").write_text("import nothing_like_this\n")
    assert main(["shop:app"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == (
        f"config file {clean_process / 'gunicorn.conf.py'} failed: ModuleNotFoundError: "
        "No module named 'nothing_like_this'"
    )
    assert lines[2].endswith('gunicorn.conf.py", line 1, in <module>')


def test_config_file_may_import_the_users_modules(clean_process: Path) -> None:
    (clean_process / "sizes.py").write_text("count = 3\n")
    (clean_process / "gunicorn.conf.py").write_text("from sizes import count as workers\n")
    assert main(["shop:app"]) == 7
    assert FakeArbiter.made[0].loaded.config.workers == 3


def test_log_that_cannot_be_opened_is_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--error-logfile", "nope/x.log", "shop:app"]) == 1
    assert capsys.readouterr().err.startswith("errorlog: cannot open ")


# -- the application


def test_misspelt_application_is_exit_code_4_before_any_fork(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["shop:ap"]) == 4
    assert capsys.readouterr().err == (
        "fastfork: module 'shop' has no attribute 'ap'; did you mean shop:app?\n"
    )
    assert FakeArbiter.made == []


def test_misspelt_application_is_also_told_in_a_log_that_is_a_file(
    clean_process: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--log-file", "e.log", "shop:ap"]) == 4
    assert "did you mean shop:app?" in (clean_process / "e.log").read_text()
    assert "did you mean shop:app?" in capsys.readouterr().err


def test_syntax_error_of_the_application_is_exit_code_3(
    clean_process: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (clean_process / "broken.py").write_text("app = (\n")
    assert main(["broken:app"]) == 3
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("fastfork: broken cannot be imported: SyntaxError: ")
    assert lines[1] == f'  File "{clean_process / "broken.py"}", line 1'


def test_application_of_the_config_file_is_served(clean_process: Path) -> None:
    (clean_process / "fastfork.conf.py").write_text("wsgi_app = 'shop:app'\n")
    assert main([]) == 7


def test_chdir_comes_first_in_the_path_and_is_entered(clean_process: Path) -> None:
    (clean_process / "site").mkdir()
    (clean_process / "site" / "web.py").write_text(APP)
    (clean_process / "lib").mkdir()
    assert main(["--chdir", "site", "web:app"]) == 7
    assert Path.cwd() == clean_process / "site"
    assert sys.path[0] == str(clean_process / "site")


def test_pythonpath_is_searched(clean_process: Path) -> None:
    (clean_process / "lib").mkdir()
    (clean_process / "lib" / "web.py").write_text(APP)
    assert main(["--pythonpath", "lib", "web:app"]) == 7
    assert str(clean_process / "lib") in sys.path


# -- the arbiter


@pytest.mark.parametrize(
    "words",
    [
        ["shop:app", "-w", "2", "--bind", "a:1", "-b", "b:2"],
        ["-w", "2", "shop:app", "--bind=a:1", "-bb:2"],
        ["-w2", "--bind", "a:1", "-b", "b:2", "shop:app"],
        ["-w2", "--bind", "a:1", "-b", "b:2", "--", "shop:app"],
    ],
)
def test_options_come_before_and_after_the_application(words: list[str]) -> None:
    assert main(words) == 7
    (arbiter,) = FakeArbiter.made
    cfg = arbiter.loaded.config
    assert (cfg.wsgi_app, cfg.workers, cfg.bind) == ("shop:app", 2, ("a:1", "b:2"))
    assert arbiter.load_app(cfg).__name__ == "app"


def test_arguments_come_from_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["fastfork", "shop:app", "-w", "3"])
    assert main() == 7
    assert FakeArbiter.made[0].loaded.config.workers == 3


def test_reload_reads_the_file_again_from_where_the_command_was_started(
    clean_process: Path,
) -> None:
    (clean_process / "site").mkdir()
    (clean_process / "site" / "web.py").write_text(APP)
    path = clean_process / "deploy.py"
    path.write_text("workers = 2\nchdir = 'site'\nraw_env = ['WEB_CONCURRENCY=9']\n")
    assert main(["-c", "deploy.py", "web:app"]) == 7
    path.write_text("chdir = 'site'\n")
    loaded = FakeArbiter.made[0].reload()
    assert loaded.config.workers == 1
    assert loaded.config.chdir == str(clean_process / "site")


def test_environment_of_the_application_is_left_to_the_workers() -> None:
    assert main(["-e", "SHOP_MODE=x", "shop:app"]) == 7
    assert "SHOP_MODE" not in os.environ


def test_interrupt_before_the_arbiter_listens_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(self: FakeArbiter) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(FakeArbiter, "run", interrupted)
    assert main(["shop:app"]) == 130


# -- checking


def test_check_config_loads_the_application_and_starts_nothing(
    clean_process: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (clean_process / "web.py").write_text(f"{APP}assert os.environ['SHOP_MODE'] == 'x'\n")
    assert main(["--check-config", "-e", "SHOP_MODE=x", "web:app"]) == 0
    assert FakeArbiter.made == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("1/0\n", "fastfork: web cannot be imported: ZeroDivisionError: division by zero"),
        ("app = 3\n", ("fastfork: web:app is of type int; a WSGI application is called as "
         "app(environ, start_response)")),
        ("ap = 3\n", "fastfork: module 'web' has no attribute 'app'; did you mean web:ap?"),
        ("import sys\nsys.exit(0)\n", "fastfork: web cannot be imported: SystemExit: 0"),
    ],
)  # fmt: skip
def test_check_config_that_fails_says_why_and_is_exit_code_1(
    clean_process: Path, module: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (clean_process / "web.py").write_text(module)
    assert main(["--check-config", "web:app"]) == 1
    assert capsys.readouterr().err.splitlines()[0] == said


def test_check_config_tells_the_notices(
    clean_process: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (clean_process / "gunicorn.conf.py").write_text("worker = 2\n")
    assert main(["--check-config", "shop:app"]) == 0
    assert "worker is not a setting; did you mean workers?" in capsys.readouterr().err


def test_check_config_can_be_turned_off_again(clean_process: Path) -> None:
    (clean_process / "gunicorn.conf.py").write_text("check_config = True\n")
    assert main(["shop:app"]) == 0
    assert main(["--no-check-config", "shop:app"]) == 7


def test_print_config_prints_a_config_file_that_means_the_same(
    clean_process: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-w", "3", "-b", "a:1", "-e", "A=x'y", "--timeout", "2m", "--preload"]
    assert main([*words, "--print-config"]) == 0
    printed = capsys.readouterr().out
    assert "workers = 3                               # command line\n" in printed
    assert "backlog = 2048                            # default\n" in printed

    (clean_process / "gunicorn.conf.py").write_text(printed)
    assert main(["--print-config"]) == 0
    again = capsys.readouterr().out

    def settings(text: str) -> list[str]:
        lines = [line.partition("  # ")[0].rstrip() for line in text.splitlines()]
        return [line for line in lines if not line.startswith("#")]

    assert settings(again) == settings(printed)


def test_print_config_with_an_application_checks_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--print-config", "shop:ap"]) == 1
    assert "did you mean shop:app?" in capsys.readouterr().err
    assert main(["--print-config", "shop:app"]) == 0


def test_directory_that_was_removed_is_one_clear_line(
    clean_process: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = clean_process / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert main(["shop:app"]) == 1
    assert capsys.readouterr().err.startswith("the current directory cannot be used: ")
