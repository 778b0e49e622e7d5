"""`fastfork config show | explain | check | init`: what is set, what it means, whether it is right.

show and check take the options and the MODULE:APP that a start takes, and read what it reads.

Runs in: cli
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastfork.arbiter.certificates import prepared_certificates
from fastfork.config import SETTINGS, Loaded, explain, template
from fastfork.config.gunicorn import leftout
from fastfork.config.gunicorn.names import OTHER_OPTIONS, OTHER_SETTINGS
from fastfork.errors import OptionError, StartError

from .parser import CommandLineParser
from .report import changed_lines

if TYPE_CHECKING:
    # Reads the settings, now, from every source; options -> that.
    Loader = Callable[[dict[str, object]], Callable[[], Loaded]]
    # Loads the application as a worker would.  The exit code.
    AppCheck = Callable[[Loaded], int]

__all__ = ["COMMAND", "configure"]

COMMAND: Final = "config"
USAGE: Final = (
    "fastfork config show [OPTIONS], config explain NAME, config check [--app] [OPTIONS] "
    "[MODULE:APP], config init [FILE]"
)
NEW_FILE: Final = "fastfork.toml"
NEAR: Final = 0.7  # of get_close_matches; below it the names have only letters in common
HELP: Final = f"""\
usage: {USAGE}

  show     each setting that is not at its default, and where its value comes from
  explain  what a setting means, its option, type, default, and its value here
  check    read and check the settings; with --app load the application too; exit code 0 or 1
  init     write a commented {NEW_FILE} (or FILE, - for standard output) to begin with
"""


def configure(words: Sequence[str], loader: Loader, check_app: AppCheck) -> int:
    """Do what `words`, which follow `fastfork config`, ask for.  The exit code.

    Raises OptionError for bad usage, ConfigError for settings that are wrong.
    """
    verb, rest = (words[0], list(words[1:])) if words else ("", [])
    if verb in ("-h", "--help"):
        print(HELP, end="")
        return 0
    if verb == "show":
        return _show(_read(rest, loader))
    if verb == "explain":
        return _explain(rest, loader)
    if verb == "check":
        return _check(rest, loader, check_app)
    if verb == "init":
        return _init(rest)
    raise OptionError(f"{verb or 'config'!r} is none of show, explain, check, init; {USAGE}")


def _read(words: Sequence[str], loader: Loader) -> Loaded:
    return loader(CommandLineParser().options(words))()


def _show(loaded: Loaded) -> int:
    lines = list(changed_lines(loaded))
    print("\n".join(lines or ["# every setting is at its default"]))
    _tell(loaded.notices)
    return 0


def _check(words: list[str], loader: Loader, check_app: AppCheck) -> int:
    wants_app = "--app" in words
    loaded = _read([word for word in words if word != "--app"], loader)
    prepared_certificates(loaded.config)  # as a start would
    if wants_app:
        if loaded.config.wsgi_app is None:
            raise OptionError("no application named; write config check --app MODULE:APP")
        return check_app(loaded)
    _tell(loaded.notices)
    return 0


def _explain(words: list[str], loader: Loader) -> int:
    if len(words) != 1:
        raise OptionError(f"explain takes the name of one setting; {USAGE}")
    name = _setting_called(words[0])
    if name in SETTINGS:
        print(explain.entry(SETTINGS[name]).removeprefix("### "), end="")
        print("\n".join(_value_here(name, loader)))
        return 0
    if name in OTHER_SETTINGS:
        part, instead = leftout.part_of(name)
        print(f"{name}\n\nA setting of gunicorn that is not here ({part}): {instead}.")
        return 0
    near = get_close_matches(name, [*SETTINGS, *OTHER_SETTINGS], n=1, cutoff=NEAR)
    hint = f"did you mean {near[0]}?" if near else "fastfork --print-config lists them"
    raise OptionError(f"there is no setting {words[0]}; {hint}")


def _setting_called(word: str) -> str:
    """Return the setting that has this name or option: keepalive, --keep-alive, keep-alive."""
    if word in SETTINGS or word in OTHER_SETTINGS:
        return word
    flag = f"--{word.lstrip('-')}"
    by_option = {flag: spec.name for spec in SETTINGS.values() for flag in spec.flags}
    by_option |= {other: name for other, (name, _) in OTHER_OPTIONS.items()}
    return by_option.get(flag, word.lstrip("-").replace("-", "_").lower())


def _value_here(name: str, loader: Loader) -> list[str]:
    """Return the value that a server started here would have; nothing when the settings are
    wrong."""
    try:
        loaded = loader({})()
    except StartError:
        return ["- Here: the settings have a mistake; see fastfork config check"]
    value = SETTINGS[name].kind.show(getattr(loaded.config, name))
    return [f"- Here: {value} ({loaded.origins[name]})"]


def _init(words: list[str]) -> int:
    if len(words) > 1:
        raise OptionError(f"init takes one file at most; {USAGE}")
    text = template.render()
    name = words[0] if words else NEW_FILE
    if name == "-":
        print(text, end="")
        return 0
    try:
        with Path(name).open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise StartError(f"{name} is there already; remove it, or name another file") from None
    except OSError as error:
        raise StartError(f"{name} cannot be written: {error.strerror}") from None
    print(f"{name} is written; each setting in it is a comment with its default")
    return 0


def _tell(notices: Sequence[str]) -> None:
    for notice in notices:
        print(f"fastfork: {notice}", file=sys.stderr)
