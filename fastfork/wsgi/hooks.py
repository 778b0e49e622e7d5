"""Calling the server hooks that the settings name; the table is fastfork/config/kinds/hooks.py.

Runs in: both
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from fastfork import forks
from fastfork.config import Config
from fastfork.config.usertrace import format_user_traceback, summary
from fastfork.errors import HookFailed

__all__ = ["call", "must"]

log = logging.getLogger("fastfork.error")


def call(
    cfg: Config, name: str, *arguments: object, passes: Callable[[], bool] = lambda: False
) -> None:
    """Call hook `name` if there is one; what it raises is logged and goes no further.

    passes: whether a SystemExit is to go through, being the caller's own.
    """
    function = getattr(cfg, name)
    if function is None:
        return
    try:
        function(*arguments)
        forks.leave_if_foreign(out_of=f"the hook {name}")
    except SystemExit as leaving:
        forks.leave_if_foreign(leaving, out_of=f"the hook {name}")
        if passes():
            raise
        log.error("The hook %s raised SystemExit(%s); it is not obeyed", name, leaving.code)
    except BaseException as error:
        forks.leave_if_foreign(error, out_of=f"the hook {name}")
        if not isinstance(error, Exception) and passes():
            raise
        log.exception("The hook %s raised", name)


def must(cfg: Config, name: str, *arguments: object) -> None:
    """Call hook `name` if there is one.  Raises HookFailed when it raises."""
    if getattr(cfg, name) is not None:
        asked(cfg, name, *arguments)


def asked(cfg: Config, name: str, *arguments: object) -> object:
    """What hook `name`, which there is, returns.  Raises HookFailed when it raises."""
    try:
        answer = getattr(cfg, name)(*arguments)
        forks.leave_if_foreign(out_of=f"the hook {name}")
        return answer
    except (Exception, SystemExit) as error:
        forks.leave_if_foreign(error, out_of=f"the hook {name}")
        raise HookFailed(
            f"the hook {name} failed: {summary(error)}",
            traceback_text=format_user_traceback(error),
        ) from error
