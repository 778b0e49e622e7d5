"""`reload`, the arbiter's end: it keeps the process that watches the code.  Nothing without it.

Runs in: arbiter
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastfork.arbiter.helpers.helper import Helper
    from fastfork.config import Config
    from fastfork.ipc import ModuleList, SignalMailbox


class ReloadHelper:
    """Keeps the process that watches the code running.

    modules: where workers tell their files, None without `reload`.

    close_inherited: closes what a helper must not keep open.
    """

    modules: ModuleList | None = None
    _helper: Helper | None = None

    def __init__(
        self, cfg: Config, mailbox: SignalMailbox, close_inherited: Callable[[], None]
    ) -> None:
        if not cfg.reload:
            return
        # Here and not above: production has no watcher.
        from fastfork.arbiter.helpers.helper import Helper
        from fastfork.arbiter.helpers.reload_process import ReloadProcess
        from fastfork.ipc import ModuleList

        modules = self.modules = ModuleList()
        self._helper = Helper(
            "watcher",
            lambda told: ReloadProcess(
                cfg, modules, told, mailbox.ring, close_inherited, mailbox.signums
            ),
            mailbox,
        )

    def changed(self) -> str:
        """Return the files that have changed, for the log; '' when none has.  Keeps the helper
        alive."""
        if self._helper is None:
            return ""
        said = ", ".join(self._helper.messages())
        self._helper.keep()
        return said

    def bury(self, pid: int, status: int) -> None:
        """See Helper."""
        if self._helper is not None:
            self._helper.bury(pid, status)

    def stop(self) -> None:
        """End the watcher."""
        if self._helper is not None:
            self._helper.stop()
        if self.modules is not None:
            self.modules.close()
