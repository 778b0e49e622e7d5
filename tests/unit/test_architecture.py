"""The shape of the tree: short files, named places, imports that point down.

Runs in: cli
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = sorted((ROOT / "fastfork").rglob("*.py"))
COMPILED = sorted(
    path for kind in ("*.pyx", "*.pxd", "*.c", "*.h") for path in (ROOT / "csrc").rglob(kind)
)
BESIDES = [
    path
    for directory in ("tests", "benchmarks", "tools")
    for path in sorted((ROOT / directory).rglob("*.py"))
]
LONGEST_FILE = 400  # lines
LONGEST_FUNCTION = 60  # lines
LONGEST_CLASS = 450  # lines, with those that it derives from
# What the loop of a worker is composed of.
LOOP = (
    *("answering", "connections", "crew", "crowded", "http1", "hub", "listeners", "meanwhile"),
    *(
        "neighbours",
        "pool",
        "proxy_protocol",
        "receiver",
        "request",
        "request_queue",
        "tls",
        "trust",
        "uploads",
    ),
)
SAYS_NOTHING = {"util", "utils", "helpers", "misc", "common", "base_utils", "tools"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


@pytest.mark.parametrize("path", PYTHON + COMPILED + BESIDES, ids=name_of)
def test_file_stays_short(path: Path) -> None:
    assert path.read_text().count("\n") <= LONGEST_FILE


@pytest.mark.parametrize("path", PYTHON + BESIDES, ids=name_of)
def test_functions_stay_short(path: Path) -> None:
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in functions(path)
        if node.end_lineno and node.end_lineno - node.lineno >= LONGEST_FUNCTION
    }
    assert not long


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_module_says_what_it_is_and_where_it_runs(path: Path) -> None:
    doc = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert re.search(r"^Runs in: (arbiter|worker|both|cli)\b", doc, re.M)


@pytest.mark.parametrize("path", PYTHON + COMPILED + BESIDES, ids=name_of)
def test_file_is_named_after_what_is_in_it(path: Path) -> None:
    assert path.stem not in SAYS_NOTHING


@pytest.mark.parametrize("path", PYTHON + COMPILED, ids=name_of)
def test_nothing_is_left_to_do_in_the_text(path: Path) -> None:
    left = re.findall(r"\b(?:TODO|FIXME|XXX|HACK)\b|NotImplementedError", path.read_text())
    assert not left


@pytest.mark.parametrize("path", sorted((ROOT / "csrc").rglob("*.pyx")), ids=name_of)
def test_compiled_module_has_a_header_and_a_stub(path: Path) -> None:
    stub = ROOT / path.relative_to(ROOT / "csrc").with_suffix(".pyi")
    assert path.with_suffix(".pxd").exists()
    assert stub.exists()


@pytest.mark.parametrize("path", sorted((ROOT / "csrc").rglob("*.p[yx][xd]")), ids=name_of)
def test_no_compiled_module_has_typed_memoryviews(path: Path) -> None:
    """Each module that knows one gets 130 KiB of code and four types of its own; see words.pxd."""
    assert not re.search(r"\[[^][\n]*::1\]|\w\[:\] ", path.read_text())


def compiled_classes() -> dict[str, tuple[str, str, int]]:
    """Name -> its module, what it derives from or "", and its lines."""
    found = {}
    for path in (ROOT / "csrc").rglob("*.pyx"):
        for text in re.findall(r"^(?:cdef )?class .+\n(?:(?:[ \t].*)?\n)*", path.read_text(), re.M):
            name, base = re.match(r"(?:cdef )?class (\w+)(?:\((\w+)\))?", text).groups()  # type: ignore[union-attr]
            found[name] = (path.stem, base or "", text.count("\n"))
    return found


@pytest.mark.parametrize("module", LOOP)
def test_loop_is_composed_of_short_classes(module: str) -> None:
    """With what they derive from, which is a seam or nothing; a thread pool's is its lock."""
    classes = compiled_classes()
    for name, (where, base, lines) in classes.items():
        if where == module:
            assert base in ("", "Protocol", "Turnstile"), name
            assert lines + (classes[base][2] if base else 0) <= LONGEST_CLASS, name


def test_every_compiled_module_is_built_with_what_setup_finds() -> None:
    """Generated C lies in build/, never beside the sources."""
    stems = {path.stem for path in (ROOT / "csrc").rglob("*.pyx")}
    beside = [path for path in (ROOT / "csrc/fastfork").rglob("*.c") if path.stem in stems]
    assert not beside


def test_version_is_written_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" in project["dynamic"]
    assert "version" not in project


def test_cython_is_not_needed_to_run() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert [re.split(r"[^\w-]", name)[0] for name in project["dependencies"]] == ["httptools"]


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_module_does_without_ctypes(path: Path) -> None:
    """Importing it opens a file that stays: libffi since 3.5 takes the lowest descriptor for it."""
    assert not re.search(r"^\s*(?:import|from) _?ctypes\b", path.read_text(), re.M)


def test_imports_point_down() -> None:
    """import-linter's contracts in pyproject.toml."""
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_arbiter_and_workers_meet_only_by_name() -> None:
    """A worker class is imported in the child with importlib; no file names the other side."""
    for here, there in (("arbiter", "workers"), ("workers", "arbiter")):
        for path in sorted((ROOT / "fastfork" / here).rglob("*.py")):
            found = re.findall(rf"^\s*(?:from|import) fastfork\.{there}\b", path.read_text(), re.M)
            assert not found, path
