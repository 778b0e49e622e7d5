"""One row of the settings table, and the field that carries it.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from typing import Any, Final, Generic, Literal, TypeVar, cast

from fastfork.records import field, record

from .basic import Kind

__all__ = ["METADATA_KEY", "Reload", "Spec", "setting"]

T = TypeVar("T")

# What SIGHUP makes of a changed value: the arbiter takes it at once; the workers that replace
# the old ones take it; only a restart of the server takes it.
Reload = Literal["live", "workers", "server"]

METADATA_KEY: Final = "setting"


@record(frozen=True, kw_only=True)
class Spec(Generic[T]):
    """What is known of a setting, in one place.

    flags: options, short ones first; none for a setting of config files only.
    env: the variable that gives a default; env_form wraps its text.
    help: one sentence, for --help.  more: what the reference says beyond it.
    """

    name: str
    group: str
    default: T
    kind: Kind[T]
    help: str
    more: str
    flags: tuple[str, ...]
    env: str | None
    env_form: str
    reload: Reload


def setting(
    default: T,
    kind: Kind[T],
    help: str,  # noqa: A002 - argparse calls it so
    *,
    flags: str = "",
    env: str | None = None,
    env_form: str = "{}",
    reload: Reload,
    more: str = "",
) -> T:
    """Return a dataclass field that carries its Spec.  Name and group are filled in by the
    table."""
    spec = Spec(
        name="",
        group="",
        default=default,
        kind=kind,
        help=help,
        more=more,
        flags=tuple(flags.split()),
        env=env,
        env_form=env_form,
        reload=reload,
    )
    made: Any = field(default=default, metadata={METADATA_KEY: spec})
    return cast("T", made)
