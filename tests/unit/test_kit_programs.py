"""Programs that a test needs: skipped without them, failed where CI says that all must run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from _pytest.outcomes import Failed, Skipped

from tests.kit import programs
from tests.kit.programs import compiler, library, program, run, stream_of_nginx


@pytest.mark.parametrize(("ci", "outcome"), [("true", Failed), ("", Skipped)])
def test_missing_program_is_named_with_what_to_type(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="no program-nobody-has; type: apt-get install"):
        program("program-nobody-has")


@pytest.mark.parametrize(
    ("ci", "in_extra", "outcome"),
    [("true", True, Failed), ("true", False, Skipped), ("", True, Skipped)],
)
def test_missing_package_is_named_with_what_to_type(
    monkeypatch: pytest.MonkeyPatch, ci: str, in_extra: bool, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    for name in ("nobody_has_it", "nobody_has_it.part"):
        with pytest.raises(outcome, match=f"no {name}; type: pip install nobody-has-it"):
            library(name, in_extra=in_extra)


def test_package_that_is_there_is_found() -> None:
    assert library("pytest").origin == pytest.__file__


def nginx(folder: Path, monkeypatch: pytest.MonkeyPatch, options: str) -> None:
    """Let there be an nginx that was configured so."""
    script = folder / "nginx"
    script.write_text(f"#!/bin/sh\necho 'configure arguments: {options}' >&2\n")
    script.chmod(0o755)
    monkeypatch.setattr(programs, "PATH", str(folder))


def test_stream_module_of_nginx_is_loaded_from_where_nginx_has_its_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "")
    options = f"--modules-path={tmp_path} --with-stream=dynamic --with-stream_ssl_module"
    nginx(tmp_path, monkeypatch, options)
    with pytest.raises(Skipped, match="apt-get install libnginx-mod-stream"):
        stream_of_nginx()
    module = tmp_path / "ngx_stream_module.so"
    module.touch()
    assert stream_of_nginx() == f"load_module {module};"


def test_stream_module_that_is_built_in_needs_no_loading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nginx(tmp_path, monkeypatch, "--with-stream --with-http_v2_module")
    assert stream_of_nginx() == ""


def test_missing_compiler_is_named_with_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "")
    monkeypatch.setenv("CC", "nobody-has-it -m64")
    with pytest.raises(Skipped, match="no C compiler; type: apt-get install build-essential"):
        compiler()


def test_what_a_program_writes_is_returned() -> None:
    done = run(sys.executable, "-c", "import sys; print(sys.stdin.read().upper())", given=b"abc")
    assert (done.text, done.said) == ("ABC\n", "")


def test_program_that_fails_fails_the_test_with_what_it_said() -> None:
    with pytest.raises(AssertionError, match="on purpose"):
        run(sys.executable, "-c", "import sys; sys.exit('on purpose')")
