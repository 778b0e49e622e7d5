"""Options: an argparse parser made from the settings table.

The values stay text here.  They are read later with those of the other sources, so that
everything that is wrong is told together.

Runs in: cli
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from fastfork.errors import OptionError

from ..gunicorn.names import OTHER_OPTIONS
from ..kinds.spec import Spec
from ..settings import GROUPS, SETTINGS, heading
from ..values import ARGUMENTS, OTHERS
from . import foreign

__all__ = ["ARGUMENTS", "OTHERS", "OptionParser", "read", "read_variable"]


class _NoteOther(argparse.Action):
    """Keeps the option's name and its value."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse's signature
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        noted = getattr(namespace, OTHERS, None) or []
        given = True if values in (None, []) else values
        setattr(namespace, OTHERS, [*noted, (option_string, given)])


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
        for flag, (_, takes_value) in OTHER_OPTIONS.items():
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

    def suggest(self, words: Sequence[str], typed: Sequence[str] = ()) -> str:
        """Return what to say of words that no option takes.  typed: all words, in their order."""
        flags = [flag for flag in self._option_string_actions if flag not in OTHER_OPTIONS]
        option = next((word for word in words if word.startswith("-")), None)
        if option is None:
            return f"one MODULE:APP is enough; remove {' '.join(words)}"
        name = option.partition("=")[0]
        instead = foreign.advice(typed[typed.index(option) :] if option in typed else [option])
        if instead is not None:
            return f"there is no option {name}; {instead}"
        near = get_close_matches(name, flags, n=1, cutoff=0.7)
        hint = f"did you mean {near[0]}?" if near else "fastfork --help-all lists them"
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
        nargs=None if spec.kind.alone is None else "?",
        const=spec.kind.alone,
        metavar=spec.kind.metavar,
        help=told,
    )


def read(parser: OptionParser, words: Sequence[str]) -> dict[str, object]:
    """Return the settings among `words`; under OTHERS gunicorn's options that we do not have.

    OTHERS: a list of (option, value), for `other_options`.  Raises OptionError.
    """
    namespace, rest = parser.parse_known_args(list(words))
    if rest:
        raise OptionError(parser.suggest(rest, words))
    found: Mapping[str, object] = vars(namespace)
    return {
        name: value
        for name, value in found.items()
        if (name in SETTINGS or name in (ARGUMENTS, OTHERS)) and value is not None
    }


def read_variable(words: Sequence[str]) -> dict[str, object]:
    """Return the same for the words of a *_CMD_ARGS variable, which may have stray arguments."""
    parser = OptionParser()
    parser.add_argument(ARGUMENTS, nargs="*", help=argparse.SUPPRESS)
    return read(parser, words)
