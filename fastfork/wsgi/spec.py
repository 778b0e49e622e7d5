"""MODULE:APP as text: what it names, without importing anything.

Runs in: both
"""

from __future__ import annotations

from keyword import iskeyword
from typing import TYPE_CHECKING, Final

from fastfork.errors import AppNotFound
from fastfork.records import record

if TYPE_CHECKING:
    import ast

__all__ = ["DEFAULT_NAME", "AppSpec", "parse"]

# What MODULE alone means, as with gunicorn.
DEFAULT_NAME: Final = "application"


@record(frozen=True)
class AppSpec:
    """What MODULE:APP names: an attribute of a module, or a call of one.

    arguments: None for an attribute; for a factory call its positional and keyword arguments.
    """

    module: str
    name: str
    arguments: tuple[tuple[object, ...], dict[str, object]] | None = None

    def __str__(self) -> str:
        call = "" if self.arguments is None else "()"
        return f"{self.module}:{self.name}{call}"


def parse(text: str) -> AppSpec:
    """Split `text` at its first colon and read both sides.

    Raises AppNotFound with one line that says what to type.
    """
    module, colon, expression = text.strip().partition(":")
    module = module.strip()
    if module.endswith(".py") or not all(map(str.isidentifier, module.split("."))):
        raise AppNotFound(_not_a_module(text, module, expression))
    if not colon:
        return AppSpec(module, DEFAULT_NAME)
    if not expression.strip():
        raise AppNotFound(f"{text!r} has nothing after its colon; write {module}:app")
    if expression.strip().isidentifier() and not iskeyword(expression.strip()):
        return AppSpec(module, expression.strip())
    return _read(module, expression.strip())


def _not_a_module(text: str, module: str, expression: str) -> str:
    from pathlib import PurePosixPath  # here, as below: for what is no MODULE:NAME

    path = PurePosixPath(module)
    if path.suffix == ".py" or "/" in module:
        parts = path.with_suffix("").parts if path.suffix == ".py" else path.parts
        dotted = ".".join(part for part in parts if part not in ("/", ".", ".."))
        hint = _hint(str(path.with_suffix(".py")), dotted, expression.strip())
        return f"{module!r} is a file, not a module{hint}"
    return f"{text!r} names no module; write MODULE:APP, such as shop:app"


def _hint(file: str, module: str, expression: str) -> str:
    """`; did you mean shop:app?`, with a name that `file` has when it can be looked into."""
    from pathlib import Path

    from . import hints
    from .names import names_in_file

    wanted = expression.partition("(")[0] or DEFAULT_NAME
    names = names_in_file(Path(file))
    if wanted in hints.FACTORIES and names.get(wanted) and "(" not in expression:
        return f"; did you mean '{module}:{wanted}()'?"
    if not names or wanted in names:
        return f"; did you mean {module}:{expression or DEFAULT_NAME}?"
    hint = hints.name_hint(module, wanted, names, is_default=wanted == DEFAULT_NAME)
    return hint or f"; write {module}: and a name of that file"


def _read(module: str, expression: str) -> AppSpec:
    import ast

    try:
        node = ast.parse(expression, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise AppNotFound(
            f"{expression!r} is neither a name nor a call; "
            f"write {module}:app or '{module}:create_app()'"
        ) from None
    if isinstance(node, ast.Name):
        return AppSpec(module, node.id)
    if isinstance(node, ast.Attribute):
        raise AppNotFound(
            f"{expression!r} has a dot; only names of the module {module} itself can be "
            f"served: import the object there, and write {module}:NAME"
        )
    if not isinstance(node, ast.Call):
        raise AppNotFound(
            f"{expression!r} is neither a name nor a call; "
            f"write {module}:app or '{module}:create_app()'"
        )
    if not isinstance(node.func, ast.Name):
        called = ast.unparse(node.func)
        raise AppNotFound(f"the factory {called!r} is not a simple name; write {module}:NAME(...)")
    return AppSpec(module, node.func.id, _arguments(node, expression))


def _arguments(call: ast.Call, expression: str) -> tuple[tuple[object, ...], dict[str, object]]:
    import ast

    try:
        positional = tuple(ast.literal_eval(argument) for argument in call.args)
        if any(keyword.arg is None for keyword in call.keywords):
            raise ValueError("** is no literal")
        keywords: dict[str, object] = {
            str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords
        }
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise AppNotFound(
            f"the arguments of {expression!r} are not literals; "
            "write texts, numbers, True, False, None, lists or dicts"
        ) from None
    return positional, keywords
