"""Config files: Python whose top-level names are settings, or TOML (`tomlfile`).

A Python file is executed afresh on every load, so that a reload sees what it says now.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

import ast
import importlib.util
import tokenize
import warnings
from collections.abc import Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from fastfork.errors import ConfigError

from ..gunicorn.names import OTHER_SETTINGS, misspelt
from ..kinds.spec import Spec
from ..usertrace import format_user_traceback, summary
from ..values import ConfigFile, Raw
from . import tomlfile

__all__ = ["ConfigFile", "read"]

# Settings that decide which file is read, and so cannot be in it.
_NOT_IN_A_FILE = frozenset({"config"})


def read(place: str, folder: Path, origin: str, settings: Mapping[str, Spec[Any]]) -> ConfigFile:
    """Read the config file at `place`: PATH, file:PATH or python:MODULE; PATH.toml is TOML.

    folder: where relative paths start.  origin: where `place` was given.
    Raises ConfigError when there is no such file, or when it raises; the text has the
    traceback from the file's own first frame.
    """
    shown, path, module_name = _locate(place, folder, origin)
    if path.suffix == ".toml":
        found = ConfigFile(shown)
        tomlfile.read_into(found, path, origin, settings)
        return found
    source = tomlfile.text_of(path, shown, origin, tokenize.open)
    # One step for the tree and the code would warn twice about the same line.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lines = _assignment_lines(source)
    namespace = _execute(source, path, module_name, shown)
    return _pick(namespace, lines, shown, settings)


def _locate(place: str, folder: Path, origin: str) -> tuple[str, Path, str]:
    """Return how the file is called in messages, where it is, the name its code runs under."""
    if place.startswith("python:"):
        module_name = place.removeprefix("python:")
        try:
            found = importlib.util.find_spec(module_name)
        except (ImportError, ValueError):
            found = None
        if found is None or found.origin is None or not Path(found.origin).is_file():
            raise ConfigError(
                f"config: there is no module {module_name!r} ({origin}); "
                "write -c PATH, or put its directory into PYTHONPATH"
            )
        return module_name, Path(found.origin), module_name
    shown = place.removeprefix("file:")
    return shown, folder / shown, "__config__"


def _execute(source: str, path: Path, module_name: str, shown: str) -> dict[str, object]:
    """Run the code in a module of its own that is not kept in sys.modules."""
    # A traceback asks the frames' modules for a loader to show the source by: one without is an
    # error from Python 3.15 on.  The loader is named, as the file may be called anything.
    loader = SourceFileLoader(module_name, str(path))
    spec = importlib.util.spec_from_file_location(module_name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    try:
        code: CodeType = compile(source, str(path), "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 - a config file is Python, as gunicorn's
    except KeyboardInterrupt:
        raise  # Ctrl-C at the start
    except BaseException as error:
        told = format_user_traceback(error).rstrip("\n")
        raise ConfigError(f"config file {shown} failed: {summary(error)}\n{told}") from None
    return dict(vars(module))


def _assignment_lines(source: str) -> dict[str, int]:
    """Name -> line of its last assignment or definition in the file."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return {}  # told by _execute
    lines: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            lines[node.id] = max(node.lineno, lines.get(node.id, 0))
        elif isinstance(node, ast.FunctionDef):
            lines[node.name] = max(node.lineno, lines.get(node.name, 0))
    return lines


def _pick(
    namespace: Mapping[str, object],
    lines: Mapping[str, int],
    shown: str,
    settings: Mapping[str, Spec[Any]],
) -> ConfigFile:
    """Sort the names into settings, gunicorn's others, slips, and the user's own."""
    found = ConfigFile(shown)
    for name, value in namespace.items():
        origin = f"{shown} line {lines[name]}" if name in lines else shown
        if name in _NOT_IN_A_FILE:
            found.notices.append(f"{origin}: {name} has no effect in a config file; use -c")
        elif name in settings:
            found.given[name] = Raw(value, origin)
        elif name in OTHER_SETTINGS and not isinstance(value, ModuleType):
            found.others[name] = Raw(value, origin)
        else:
            _note_slip(found, origin, name, misspelt(name, value, [*settings, *OTHER_SETTINGS]))
    return found


def _note_slip(found: ConfigFile, origin: str, name: str, meant: str | None) -> None:
    if meant is not None:
        found.notices.append(f"{origin}: {name} is not a setting; did you mean {meant}?")
