"""What there is to say of one setting: `fastfork config explain`, and the reference page.

Runs in: cli
"""

from __future__ import annotations

from typing import Any, Final

from .kinds.spec import Reload, Spec

__all__ = ["entry"]

_RELOAD: Final[dict[Reload, str]] = {
    "live": "taken by the running arbiter",
    "workers": "taken by the workers that replace the old ones",
    "server": "taken by a restart only",
}


def entry(spec: Spec[Any]) -> str:
    """Return what the page says of one setting, ending in a newline."""
    lines = [f"### {spec.name}", "", spec.help]
    if spec.more:
        lines += ["", spec.more]
    lines += ["", f"- Option: {_options(spec)}", f"- Type: {spec.kind.name}"]
    lines.append(f"- Default: {_default(spec)}")
    environment = f"- Environment: `FASTFORK_{spec.name.upper()}`"
    if spec.env is not None:
        value = spec.env_form.format(f"${spec.env}")
        environment += f"; `{spec.env}` (as `{value}`), below a config file"
    lines.append(environment)
    lines.append(f"- On reload: {_RELOAD[spec.reload]}")
    return "\n".join(lines) + "\n"


def _options(spec: Spec[Any]) -> str:
    if not spec.flags:
        return "none, in a config file only"
    value = f" {spec.kind.metavar}" if spec.kind.metavar else ""
    twin = f", `--no-{spec.flags[-1].removeprefix('--')}`" if spec.kind.switch else ""
    return ", ".join(f"`{flag}{value}`" for flag in spec.flags) + twin


def _default(spec: Spec[Any]) -> str:
    shown = spec.kind.show(spec.default)
    return shown if shown == "none" else f"`{shown}`"
