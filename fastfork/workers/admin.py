"""The process behind `admin_bind`: a worker that serves an application of ours.

Runs in: worker (a helper of the arbiter, which does not count it)
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Sequence
from typing import Final

from fastfork import clock, forks
from fastfork.config import Config
from fastfork.ipc import Scoreboard, Slot, State
from fastfork.metrics.admin.app import CONTROL, AdminApp
from fastfork.net import Listener
from fastfork.process import parent, privileges, title
from fastfork.records import replace
from fastfork.workers.reactor import ReactorWorker

# A browser with a few tabs, and a Prometheus or two; whoever is idle makes room for others.
CONNECTIONS: Final = 128
SAMPLE_EVERY: Final = 1.0  # seconds
# They are for the arbiter; a process group that gets one must not lose this process.
IGNORED: Final = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGTTIN,
    signal.SIGTTOU,
    signal.SIGWINCH,
)


class AdminWorker(ReactorWorker):
    """board: of the server that is looked at.  slot: its own, for the heartbeat.  told: where
    wishes are written; ring: wakes the arbiter, which reads them.  server_cfg: the server's
    settings.

    Its own settings are the defaults: one thread, no access log, no hooks.
    """

    def __init__(
        self,
        *,
        board: Scoreboard,
        slot: Slot,
        listeners: Sequence[Listener],
        told: int,
        ring: Callable[[], None],
        close_inherited: Callable[[], None],
        server_cfg: Config,
    ) -> None:
        super().__init__(
            number=0,
            age=0,
            cfg=replace(Config(), worker_connections=CONNECTIONS, limit_request_body=1 << 16),
            listeners=listeners,
            slot=slot,
            arbiter_pid=os.getppid(),
            load_app=lambda: self.admin,
        )
        self.admin = AdminApp(board, self._tell, server_cfg.proc_name or server_cfg.wsgi_app or "")
        self._server_cfg = server_cfg
        self._told = told
        self._ring = ring
        self._close_inherited = close_inherited
        self._sample_at = 0.0

    def run(self) -> int:
        """Answer until the arbiter is gone.  Returns the exit code."""
        self._close_inherited()
        cfg = self._server_cfg
        privileges.become(cfg.user, cfg.group, initgroups=cfg.initgroups)
        parent.signal_at_parents_death(signal.SIGKILL)
        if self.orphaned():
            return 0
        for signum in IGNORED:
            signal.signal(signum, signal.SIG_IGN)
        forks.take_signals(IGNORED)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        title.set_title("admin", cfg.proc_name, cfg.wsgi_app)
        self.slot.state = State.READY
        self.open(self.admin)
        self.pace.idle = SAMPLE_EVERY
        return self.serve()

    def let_go(self) -> None:
        """In a child that is not ours: nothing is asked of the arbiter."""
        super().let_go()
        forks.default_signals(dict.fromkeys(IGNORED, signal.SIG_IGN))
        os.close(self._told)

    def show(self, state: str) -> None:
        """The title stays as it is."""

    def tick(self) -> None:
        """Take a sample for the charts, about once a second."""
        now = clock.now()
        if now >= self._sample_at:
            self._sample_at = now + SAMPLE_EVERY * 0.9  # look_up comes a little early or late
            self.admin.sample()

    def template(self, sock: object) -> dict[str, object]:
        """Requests over a Unix socket may control the server."""
        found = super().template(sock)
        found[CONTROL] = isinstance(sock, socket.socket) and sock.family == socket.AF_UNIX
        return found

    def _tell(self, wish: str) -> bool:
        """Give a wish to the arbiter; False when it has not read the last ones."""
        try:
            os.write(self._told, f"{wish}\n".encode("ascii"))
        except BlockingIOError:
            return False
        self._ring()
        return True
