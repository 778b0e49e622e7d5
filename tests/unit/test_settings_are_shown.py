"""Each setting has a test that shows its effect in a running server: @pytest.mark.effect(NAME).

Read from the sources of tests/server, so that this costs no collection.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from fastfork.config import SETTINGS

SERVER_TESTS = Path(__file__).parents[1] / "server"


def _names(decorator: ast.expr) -> list[str]:
    """The settings in one decorator, if it is @pytest.mark.effect(...)."""
    if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func) != "pytest.mark.effect":
        return []
    return [ast.literal_eval(argument) for argument in decorator.args]


def shown() -> dict[str, list[str]]:
    """Setting -> the text of each file with a test that is marked with it."""
    found: dict[str, list[str]] = {}
    for path in sorted(SERVER_TESTS.glob("test_*.py")):
        text = path.read_text()
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for decorator in node.decorator_list:
                    for name in _names(decorator):
                        found.setdefault(name, []).append(text)
    return found


def test_each_setting_has_a_test_that_shows_its_effect() -> None:
    """When this fails: mark a test in tests/server with @pytest.mark.effect(NAME)."""
    assert set(SETTINGS) - set(shown()) == set()


def test_marks_are_names_of_settings() -> None:
    assert set(shown()) - set(SETTINGS) == set()


def test_file_that_shows_a_setting_writes_it() -> None:
    """By its name or by one of its options, elsewhere than in the mark."""
    unwritten = []
    for name, texts in shown().items():
        flags = (flag.replace("--", "--(no-)?", 1) for flag in SETTINGS[name].flags)
        words = [rf"(?:(?<!\w)|(?<=\\n)){name}(?!\w)", *(f"[\"']{flag}" for flag in flags)]
        for text in texts:
            rest = re.sub(r"@pytest\.mark\.effect\([^)]*\)", "", text)
            if not re.search("|".join(words), rest):
                unwritten.append(name)
    assert unwritten == []
