"""A commented fastfork.toml with every setting at its default, for `fastfork config init`.

Runs in: cli
"""

from __future__ import annotations

import json
import textwrap
from typing import Any, Final

from .kinds.basic import DURATION, SIZE
from .kinds.permissions import MODE, OPTIONAL_MODE
from .kinds.spec import Spec
from .settings import GROUPS, SETTINGS, heading

__all__ = ["render", "toml_value"]

WIDTH: Final = 98  # characters
_HEAD: Final = """\
# Settings of fastfork, read from the directory in which it is started, or by `fastfork -c FILE`.
# Every setting is here, as a comment with its default: remove the "# " in front of those that you
# change. `fastfork config check` reads the file, `fastfork config explain NAME` says more.
# Hooks are named as "package.module.function".
"""
# They decide which file is read, or what one run does, and are not for a file.
_LEFT_OUT: Final = frozenset({"config", "check_config", "print_config"})
# Kinds whose values are easier to read as the text that may be typed for them.
_SHOWN: Final = (DURATION, SIZE, MODE, OPTIONAL_MODE)


def render() -> str:
    """Return the file.  It sets nothing; with all comments of settings removed it sets the
    defaults."""
    parts = [_HEAD]
    for group in GROUPS:
        specs = [spec for spec in SETTINGS.values() if spec.group == heading(group)]
        parts.append(f"\n# -- {heading(group)}\n")
        parts += [_entry(spec) for spec in specs if spec.name not in _LEFT_OUT]
    return "\n".join(parts)


def _entry(spec: Spec[Any]) -> str:
    told = textwrap.wrap(
        spec.help, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )
    return "\n".join([*told, f"# {spec.name} = {toml_value(spec, spec.default)}\n"])


def toml_value(spec: Spec[Any], value: object) -> str:
    """Return a value as TOML.  None is the empty text, as TOML has no null; so are functions."""
    if value is None or callable(value):
        return '""'
    if spec.kind in _SHOWN:
        return json.dumps(spec.kind.show(value))
    if isinstance(value, dict):
        pairs = (f"{json.dumps(str(key))} = {json.dumps(item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    # JSON's texts, numbers, truth values and lists of them are TOML's (toml.io, v1.0.0).
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
