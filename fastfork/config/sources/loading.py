"""From the sources to a Config: precedence, origins, and every complaint at once.

From low to high: defaults, single variables (PORT, WEB_CONCURRENCY), the config file,
FASTFORK_<NAME>, GUNICORN_CMD_ARGS, FASTFORK_CMD_ARGS, the command line.

Runs in: both
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from fastfork.errors import ConfigError, OptionError
from fastfork.records import field, record, replace

from ..checks.table import CHECKS
from ..gunicorn import compat, leftout
from ..gunicorn.names import OTHER_SETTINGS, misspelt
from ..kinds.basic import BadValue
from ..settings import SETTINGS, Config
from ..values import Given, Raw
from . import words
from .unasked import find_default

__all__ = ["COMMAND_LINE", "DEFAULT", "Loaded", "load"]

DEFAULT = "default"
COMMAND_LINE = "command line"

# FASTFORK_WORKERS is `workers`.
PREFIX = "FASTFORK_"

# From low to high.
_VARIABLES_OF_OPTIONS = ("GUNICORN_CMD_ARGS", "FASTFORK_CMD_ARGS")

# Settings that name a file; a relative one starts in chdir, whoever opens it and when.
_FILES = ("accesslog", "errorlog", "logconfig", "logconfig_json", "pidfile")
_STANDARD_STREAM = "-"


@record(frozen=True)
class Loaded:
    """A checked Config, the origin of each setting, and lines to log at start.

    notices: what is probably not meant.  remarks: what is only good to know.
    """

    config: Config
    origins: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def is_default(self, name: str) -> bool:
        """Return whether nobody has set this one."""
        return self.origins.get(name, DEFAULT) == DEFAULT


def load(
    argv: Mapping[str, object],
    environ: Mapping[str, str],
    cwd: str | os.PathLike[str],
    *,
    origin: str = COMMAND_LINE,
) -> Loaded:
    """Read every source and check the outcome.

    argv: setting -> text, list of texts or bool, from the command line.
    environ: the environment at start.  cwd: the directory at start.  origin: of what is in argv.
    Raises ConfigError with a line for each bad value: which, why, what to write, from where.
    Called again, it reads everything again.
    """
    load_once = _Load(cwd)
    lowest = _from_single_variables(environ)
    highest = {**load_once.from_names(environ), **load_once.from_options(environ)}
    highest.update(load_once.from_command_line(argv, origin))
    with compat.gunicorn_names() as names:
        given = {**lowest, **load_once.from_file(highest, names), **highest}
        return load_once.finish(given)


def _from_single_variables(environ: Mapping[str, str]) -> Given:
    given: Given = {}
    for spec in SETTINGS.values():
        # An empty variable is how containers say that there is none.
        if spec.env is not None and environ.get(spec.env, "").strip():
            text = spec.env_form.format(environ[spec.env].strip())
            given[spec.name] = Raw(text, f"environment variable {spec.env}")
    return given


class _Load:
    """One load under way: collects complaints and notices."""

    def __init__(self, cwd: str | os.PathLike[str]) -> None:
        self.cwd = os.fspath(cwd)
        self.bad: list[str] = []
        self.notices: list[str] = []
        self.remarks: list[str] = []

    def from_names(self, environ: Mapping[str, str]) -> Given:
        """FASTFORK_<NAME>, for every setting."""
        given: Given = {}
        others: list[tuple[str, str, object]] = []
        for variable, text in environ.items():
            name = variable.removeprefix(PREFIX).lower()
            # Empty is unset here too; what is not in capitals is not meant for us.
            if not (variable.startswith(PREFIX) and variable.isupper() and text.strip()):
                continue
            if name in SETTINGS:
                given[name] = Raw(text.strip(), f"environment variable {variable}")
            elif name in OTHER_SETTINGS:
                others.append((variable, name, text))
            elif (meant := misspelt(name, text, SETTINGS)) is not None:
                self.notices.append(
                    f"environment variable {variable}: there is no setting {name}; "
                    f"did you mean {PREFIX}{meant.upper()}?"
                )
        self._leave_out("environment", others)
        return given

    def from_options(self, environ: Mapping[str, str]) -> Given:
        """GUNICORN_CMD_ARGS and FASTFORK_CMD_ARGS."""
        given: Given = {}
        for variable in _VARIABLES_OF_OPTIONS:
            text = environ.get(variable, "")
            if not text.strip():
                continue  # a parser of all options takes milliseconds to make
            try:
                found = words.from_variable(variable, text)
            except OptionError as error:
                self.bad.append(f"{variable}: {error}")
                continue
            given.update(found.given)
            self.notices += found.notices
            self._leave_out(variable, words.other_options(found.others))
        return given

    def from_command_line(self, argv: Mapping[str, object], origin: str) -> Given:
        """Return what was typed, as `words.plain` gives it."""
        self._leave_out(origin, words.other_options(argv.get(words.OTHERS)))
        return {name: Raw(value, origin) for name, value in argv.items() if name != words.OTHERS}

    def from_file(self, options_given: Given, names: compat.Names) -> Given:
        """Return what the config file says.  A file that cannot be used is one more complaint."""
        named = options_given.get("config")
        place, origin = (str(named.value), named.origin) if named else ("", DEFAULT)
        try:
            if named is None:
                folder = options_given.get("chdir", Raw(".", DEFAULT)).value
                unasked = find_default(_joined(self.cwd, str(folder)))
                place = unasked.place
                self.notices += unasked.notices
                self.remarks += unasked.remarks
            if not place:
                return {}
            from pathlib import Path  # here, as the next one: many servers have no file

            from . import file

            found = file.read(place, Path(self.cwd), origin, SETTINGS)
        except ConfigError as error:
            self.bad.append(str(error))
            return {}
        options_given["config"] = Raw(place, origin)
        self.bad += found.bad
        self.notices += found.notices
        others = [(name, name, raw) for name, raw in found.others.items() if raw.value is not None]
        self._leave_out(found.shown, others)
        given = {name: raw for name, raw in found.given.items() if _says_something(name, raw)}
        if names.server is not None:
            text = Raw(names.server, f"{found.shown}, gunicorn.SERVER_SOFTWARE")
            given.setdefault("server_header", text)
        return given

    def _leave_out(self, source: str, found: Sequence[tuple[str, str, object]]) -> None:
        """Gunicorn's settings that we do not have: refused, or told in one line a source.

        found: as it is called there, the setting, its value or Raw.
        """
        ignored: list[str] = []
        unneeded: list[str] = []
        for called, name, value in found:
            raw = value if isinstance(value, Raw) else Raw(value, f"{called}, {source}")
            why = leftout.refusal(name, raw.value)
            if why is None:
                (unneeded if leftout.is_unneeded(name) else ignored).append(called)
            else:
                self.bad.append(f"{name}: {why} ({raw.origin})")
        for names, text, lines in (
            (ignored, "settings that this version does not have, ignored", self.notices),
            (unneeded, "settings that are not needed here", self.remarks),
        ):
            if names:
                lines.append(f"{source}: {text}: {', '.join(dict.fromkeys(names))}")

    def finish(self, given: Given) -> Loaded:
        """Read the values, check them, and raise what was found wrong on the way."""
        values: dict[str, Any] = {}
        wrong: set[str] = set()
        for name, raw in given.items():
            try:
                values[name] = SETTINGS[name].kind.parse(raw.value)
            except BadValue as error:
                wrong.add(name)
                self.bad.append(f"{name}: {error} ({raw.origin})")
        origins = {name: given[name].origin if name in given else DEFAULT for name in SETTINGS}
        config = _with_full_paths(Config(**values), self.cwd)
        if config.proc_name is None and config.default_proc_name is not None:
            config = replace(config, proc_name=config.default_proc_name)
            origins["proc_name"] = f"default_proc_name, {origins['default_proc_name']}"
        self._check(config, origins, wrong)
        if self.bad:
            # A notice may name the slip that a complaint comes from.
            raise ConfigError("\n".join([*self.bad, *self.notices]))
        return Loaded(config, origins, self.notices, self.remarks)

    def _check(self, config: Config, origins: Mapping[str, str], wrong: set[str]) -> None:
        for check in CHECKS:
            for problem in check(config):
                if problem.name not in wrong:
                    line = f"{problem.name}: {problem.text} ({origins[problem.name]})"
                    kept = self.remarks if problem.harmless else self.notices
                    (self.bad if problem.fatal else kept).append(line)


def _says_something(name: str, raw: Raw) -> bool:
    """Return whether a config file sets this one.

    None is what os.environ.get() gives: the file leaves the setting to whoever is below it.  So
    does an empty list where there cannot be none; where it says "nobody" or "nothing", it is set.
    """
    if raw.value is None:
        return False
    if not isinstance(raw.value, list | tuple) or raw.value:
        return True
    try:
        SETTINGS[name].kind.parse(raw.value)
    except BadValue:
        return False
    return True


def _with_full_paths(config: Config, cwd: str) -> Config:
    """Paths that mean the same before and after chdir, in every process."""
    folder = _joined(cwd, config.chdir)
    changes: dict[str, Any] = {"chdir": folder}
    for name in _FILES:
        path: str | None = getattr(config, name)
        if path is not None and path != _STANDARD_STREAM:
            changes[name] = _joined(folder, path)
    return replace(config, **changes)


def _joined(folder: str, path: str) -> str:
    """Join them as pathlib does, which a start can do without: `.` and doubled slashes are left
    out, `..` is not, since a link may stand before it."""
    whole = os.path.join(folder, path)
    parts = [part for part in whole.split("/") if part not in ("", ".")]
    return f"{'/' if whole.startswith('/') else ''}{'/'.join(parts)}" or "."
