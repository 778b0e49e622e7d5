"""Settings of the server hooks; what each is, is a row of fastfork/config/kinds/hooks.py.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from fastfork.records import record

from ..kinds.hooks import HOOKS, HookFunction, kind_of
from ..kinds.spec import setting

__all__ = ["HookSettings"]


def _hook(name: str) -> HookFunction | None:
    """Return the field of one hook."""
    more = f"See [hooks](hooks.md#{name})."
    return setting(None, kind_of(name), HOOKS[name].when, reload="live", more=more)


@record(frozen=True, kw_only=True)
class HookSettings:
    """Server hooks."""

    on_starting: HookFunction | None = _hook("on_starting")
    when_ready: HookFunction | None = _hook("when_ready")
    nworkers_changed: HookFunction | None = _hook("nworkers_changed")
    pre_fork: HookFunction | None = _hook("pre_fork")
    post_fork: HookFunction | None = _hook("post_fork")
    before_refork: HookFunction | None = _hook("before_refork")
    after_refork: HookFunction | None = _hook("after_refork")
    post_worker_init: HookFunction | None = _hook("post_worker_init")
    worker_ready: HookFunction | None = _hook("worker_ready")
    worker_int: HookFunction | None = _hook("worker_int")
    worker_abort: HookFunction | None = _hook("worker_abort")
    pre_exec: HookFunction | None = _hook("pre_exec")
    pre_request: HookFunction | None = _hook("pre_request")
    post_request: HookFunction | None = _hook("post_request")
    ssl_context: HookFunction | None = _hook("ssl_context")
    child_exit: HookFunction | None = _hook("child_exit")
    worker_exit: HookFunction | None = _hook("worker_exit")
    on_reload: HookFunction | None = _hook("on_reload")
    on_exit: HookFunction | None = _hook("on_exit")
