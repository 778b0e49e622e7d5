"""Settings that are handed over as keyword arguments.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from fastfork import config
from fastfork.config import SETTINGS, Loaded
from fastfork.config.gunicorn import leftout
from fastfork.config.gunicorn.names import OTHER_SETTINGS
from fastfork.embed.application import Application
from fastfork.errors import ConfigError
from fastfork.records import replace

__all__ = ["read"]

# Settings that mean nothing in code -> what to do instead.
NOT_HERE: Final[Mapping[str, str]] = {
    "wsgi_app": "the application is the first argument",
    "check_config": "use `fastfork --check-config`",
    "print_config": "use `fastfork --print-config`",
    "daemon": "the call returns when the server has stopped; use `fastfork --daemon`",
}


def read(
    app: Application,
    settings: Mapping[str, object],
    environ: Mapping[str, str],
    folder: Path,
    *,
    caller: str,
) -> Loaded:
    """Return the settings to serve `app` with; for a reload, call it again.

    environ: what may set something, beside `settings` and the file that settings["config"]
    names.  caller: how messages call the place where `settings` come from.
    Raises ConfigError with a line for each mistake.
    """
    if wrong := [line for name in settings if (line := _refusal(name, settings, caller))]:
        raise ConfigError("\n".join(wrong))
    # An empty `config` keeps the current directory from being searched for one.
    set_here = {name: value for name, value in settings.items() if value is not None}
    given = {"config": "", **set_here, "wsgi_app": app.text}
    loaded = config.load(given, environ, folder, origin=caller)
    for name, instead in NOT_HERE.items():
        if name != "wsgi_app" and getattr(loaded.config, name):
            raise ConfigError(_not_here(name, instead, loaded.origins[name]))
    why = app.why_never_new()
    if why is not None and loaded.config.reload:
        raise ConfigError(
            f"reload: {why}, so no change would show; hand over the name of one that is not "
            f"imported yet: 'module:app' ({loaded.origins['reload']})"
        )
    return loaded


def with_notice_of_old_code(loaded: Loaded, app: Application) -> Loaded:
    """Return what a reload has read, with a line that says that the code stays, where it does."""
    why = app.why_never_new()
    if why is None:
        return loaded
    line = f"Only the settings are new: {why}; restart the program for new code"
    return replace(loaded, notices=[*loaded.notices, line])


def _refusal(name: str, settings: Mapping[str, object], caller: str) -> str | None:
    """Return why this argument cannot be, in one line; None when it can."""
    if name in NOT_HERE and settings[name]:
        return _not_here(name, NOT_HERE[name], caller)
    if name in SETTINGS:
        return None
    if name in OTHER_SETTINGS:
        part, instead = leftout.part_of(name)
        return f"{name}: a setting of gunicorn that is not here ({part}): {instead} ({caller})"
    near = get_close_matches(name, SETTINGS, n=1, cutoff=0.75)
    hint = f"did you mean {near[0]}?" if near else "docs/reference/settings.md lists them"
    return f"{name}: there is no such setting; {hint} ({caller})"


def _not_here(name: str, instead: str, origin: str) -> str:
    return f"{name}: not for a server that is started from code; {instead} ({origin})"
