"""--help, --help-all, --version --verbose, --print-completion, and the table of exit codes."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fastfork
from fastfork.cli import completion, configure, facts, helptext
from fastfork.cli.exitcodes import EXIT_CODES
from fastfork.cli.main import main
from fastfork.cli.parser import CommandLineParser
from fastfork.config import SETTINGS
from fastfork.errors import FastforkError, OptionError, StartError

ROOT = Path(__file__).resolve().parents[2]


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What the command prints, which must be all that it does."""
    assert main(words) == 0
    written = capsys.readouterr()
    assert written.err == ""
    return written.out


def entry(text: str, option: str) -> str:
    """The lines of one option, as one."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if option in line.split())
    end = start + 1
    while lines[end].startswith(" " * 10):
        end += 1
    return " ".join(" ".join(lines[start:end]).split())


def windows(words: list[str], length: int) -> list[list[str]]:
    """Every run of `length` words; the last one without what closes it."""
    found = [words[start : start + length] for start in range(len(words))]
    return [[*run[:-1], run[-1].rstrip("],")] for run in found]


# -- help


def test_short_help_has_what_most_need_under_its_headings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    text = said(capsys, "--help")
    assert text == said(capsys, "-h")
    assert text.startswith("usage: fastfork [OPTIONS] MODULE:APP\n\nGeneral:\n")
    shown = {name for name, spec in SETTINGS.items() if spec.flags and spec.flags[-1] in text}
    assert set(helptext.COMMON) <= shown
    assert "\nSockets:\n" in text
    assert "--help-all" in text
    assert "--limit-request-line" not in text
    assert max(map(len, text.splitlines())) <= 90


@pytest.mark.parametrize("name", helptext.COMMON)
def test_what_help_shows_is_a_setting_with_an_option(name: str) -> None:
    assert SETTINGS[name].flags


def test_help_all_has_every_option_once_under_its_heading(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = said(capsys, "--help-all")
    for spec in SETTINGS.values():
        if spec.flags:
            assert f"\n{spec.group}:\n" in text
        for flag in spec.flags:
            assert len(re.findall(rf"(?<=[ ,]){re.escape(flag)}(?=[ ,\n])", text)) == 1, flag


def test_every_option_is_shown_with_type_default_and_variables(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = said(capsys, "--help-all")
    for name, spec in SETTINGS.items():
        if spec.flags:
            kind = spec.kind.name.replace("`", "")
            default = spec.kind.show(spec.default)
            wanted = f"[{kind}; default {default}; FASTFORK_{name.upper()}"
            assert wanted.split() in windows(text.split(), len(wanted.split()))
    assert entry(text, "-w,").endswith("[integer; default 1; FASTFORK_WORKERS, WEB_CONCURRENCY]")
    assert entry(text, "--preload,").startswith("--preload, --no-preload Load the application")


def test_help_names_the_settings_that_have_no_option(capsys: pytest.CaptureFixture[str]) -> None:
    (paragraph,) = re.findall(r"Only in a config file: [^.]+\.", said(capsys, "--help-all"))
    assert {name for name, spec in SETTINGS.items() if not spec.flags} - {"wsgi_app"} <= set(
        re.findall(r"\w+", paragraph)
    )


def test_help_in_a_narrow_terminal_cuts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def words(columns: str) -> list[str]:
        monkeypatch.setenv("COLUMNS", columns)
        return helptext.render(CommandLineParser(), everything=True).split()

    assert words("1") == words("1000")


# -- version


def test_verbose_version_has_the_facts_of_a_bug_report(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "--version", "--verbose")
    assert text == said(capsys, "--verbose", "-v")
    found = dict(line.split(": ", 1) for line in text.splitlines())
    assert found["fastfork"].startswith(f"{fastfork.__version__} (")
    assert found["python"].startswith(f"CPython {sys.version.split()[0]}")
    assert os.uname().release in found["kernel"]
    assert found["parsers"] == "httptools, native"
    assert found["httptools"].startswith(importlib.import_module("httptools").__version__)
    assert found["openssl"].startswith("OpenSSL")
    assert set(facts.EXTRAS) <= set(found)
    assert "cannot be told" not in text
    assert "-O" in found["compiler flags"]
    assert re.search(r"\d", found["compiler"])


def test_a_fact_that_cannot_be_found_is_told_and_hides_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(facts, "BUILD_RECORD", tmp_path / "gone")
    found = dict(facts.rows())
    assert found["compiler"].startswith("cannot be told: FileNotFoundError")
    assert found["python"].startswith("CPython")


def test_package_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert facts.installed("no-such-package-as-this") == "not installed"


def test_verbose_without_version_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--verbose", "shop:app"]) == 2
    assert capsys.readouterr().err == (
        "fastfork: --verbose is for --version; for a talkative log: --log-level debug "
        "(fastfork --help lists the options)\n"
    )


# -- completion


def test_bash_completes_options_words_and_signals(capsys: pytest.CaptureFixture[str]) -> None:
    script = said(capsys, "--print-completion", "bash")
    ask = 'COMP_WORDS=(fastfork "$@"); COMP_CWORD=$#; _shtab_fastfork; echo "${COMPREPLY[*]}"'

    def completed(*words: str) -> list[str]:
        done = subprocess.run(
            ["bash", "-c", f"{script}\n{ask}", "bash", *words],
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert done.stderr == ""
        return done.stdout.split()

    assert completed("--worker-cl") == ["--worker-class"]
    assert completed("--log-level", "w") == ["warning"]
    assert completed("signal", "rel") == ["reload"]
    assert completed("config", "ex") == ["explain"]
    assert completed("config", "explain", "graceful") == ["graceful_timeout"]
    assert "--no-preload" in completed("--no-")


def test_every_config_command_is_completed() -> None:
    assert tuple(re.findall(r"^  (\w+) ", configure.HELP, re.M)) == completion.CONFIG_VERBS


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_completion_is_for_every_shell_that_is_named(shell: str) -> None:
    assert "graceful-timeout" in completion.script(shell, CommandLineParser())


def test_unknown_shell_is_refused_with_those_there_are() -> None:
    with pytest.raises(OptionError, match=r"'fish' is no shell .*; write bash, zsh, tcsh"):
        completion.script("fish", CommandLineParser())


def test_without_shtab_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["--print-completion", "zsh"]) == 1
    assert capsys.readouterr().err == (
        "fastfork: completion needs shtab; install it with: pip install 'fastfork[completion]'\n"
    )


# -- exit codes


def test_every_exit_code_of_an_error_is_in_the_table() -> None:
    def codes(kind: type[FastforkError]) -> set[int]:
        own = {kind.exit_code} if issubclass(kind, StartError) else set()
        return own.union(*(codes(one) for one in kind.__subclasses__()))

    assert codes(FastforkError) <= set(EXIT_CODES)
