"""Options: an argparse parser made from the settings table.

The values stay text here.  They are read later with those of the other sources, so that
everything that is wrong is told together.

Runs in: cli
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from .names import OTHER_OPTIONS
from .settings import GROUPS, SETTINGS, heading
from .spec import Spec
from .values import Given, Raw

__all__ = ["OptionError", "OptionParser", "from_variable", "read"]

# Where options that gunicorn has and we have not are noted.
OTHERS = " others"
# Where the arguments without a dash go.
ARGUMENTS = " arguments"


class OptionError(Exception):
    """Options that cannot be understood, in one line."""


class _NoteOther(argparse.Action):
    """Keeps the option's name; its value, if any, is of no use."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse's signature
        namespace: argparse.Namespace,
        values: object,  # noqa: ARG002
        option_string: str | None = None,
    ) -> None:
        noted = getattr(namespace, OTHERS, None) or []
        setattr(namespace, OTHERS, [*noted, option_string])


class OptionParser(argparse.ArgumentParser):
    """Knows every option of the table.  Raises OptionError instead of leaving the process."""

    def __init__(self, **keywords: Any) -> None:
        # Abbreviations would change their meaning with every new setting.
        super().__init__(allow_abbrev=False, add_help=False, **keywords)
        for group in GROUPS:
            section = self.add_argument_group(heading(group))
            for spec in SETTINGS.values():
                if spec.group == heading(group) and spec.flags:
                    _add(section, spec)
        for flag, takes_value in OTHER_OPTIONS.items():
            self.add_argument(
                flag,
                action=_NoteOther,
                nargs="?" if takes_value else 0,
                dest=OTHERS,
                help=argparse.SUPPRESS,
            )

    def error(self, message: str) -> NoReturn:
        """Raise OptionError: argparse would leave the process."""
        raise OptionError(message)

    def suggest(self, words: Sequence[str]) -> str:
        """What to say of words that no option takes."""
        flags = [flag for flag in self._option_string_actions if flag not in OTHER_OPTIONS]
        option = next((word for word in words if word.startswith("-")), None)
        if option is None:
            return f"one MODULE:APP is enough; remove {' '.join(words)}"
        name = option.partition("=")[0]
        near = get_close_matches(name, flags, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}?" if near else "fastfork --help lists the options"
        return f"there is no option {name}; {hint}"


def _add(section: argparse._ArgumentGroup, spec: Spec[Any]) -> None:
    told = f"{spec.help} [{spec.kind.show(spec.default)}]".replace("%", "%%")
    if spec.kind.switch:
        section.add_argument(
            *spec.flags,
            dest=spec.name,
            action=argparse.BooleanOptionalAction,
            default=None,
            help=told,
        )
        return
    section.add_argument(
        *spec.flags,
        dest=spec.name,
        action="append" if spec.kind.many else "store",
        metavar=spec.kind.metavar,
        help=told,
    )


def read(parser: OptionParser, words: Sequence[str]) -> tuple[dict[str, object], list[str]]:
    """The settings among `words`, and gunicorn's options that we do not have.

    Raises OptionError.
    """
    namespace, rest = parser.parse_known_args(list(words))
    if rest:
        raise OptionError(parser.suggest(rest))
    found: Mapping[str, object] = vars(namespace)
    options = {
        name: value
        for name, value in found.items()
        if (name in SETTINGS or name == ARGUMENTS) and value is not None
    }
    return options, list(getattr(namespace, OTHERS, None) or [])


def from_variable(variable: str, text: str) -> tuple[Given, list[str]]:
    """The settings in a *_CMD_ARGS variable, and notices.  Raises OptionError."""
    parser = OptionParser()
    parser.add_argument(ARGUMENTS, nargs="*", help=argparse.SUPPRESS)
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise OptionError(f"cannot be split into words: {error}; close the quotes") from None
    options, others = read(parser, words)
    notices = []
    arguments = options.pop(ARGUMENTS, None)
    if isinstance(arguments, list) and arguments:
        listed = " ".join(arguments)
        notices.append(f"{variable}: only options are read from it; ignored: {listed}")
    if others:
        listed = ", ".join(others)
        notices.append(f"{variable}: options that this version does not have, ignored: {listed}")
    return {name: Raw(value, variable) for name, value in options.items()}, notices
