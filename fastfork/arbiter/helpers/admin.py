"""The arbiter's end of `admin_bind`: the sockets, the process that answers there, and its wishes.

Without the setting nothing of this is there.  The process is told nothing: it reads the
scoreboard.  What it wants of the arbiter (POST over a Unix socket) comes as words through a pipe.

Runs in: arbiter
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from fastfork import address
from fastfork.address import Access, UnixAddress
from fastfork.arbiter.forking.spawn import Runnable, worker_class
from fastfork.arbiter.helpers.helper import Helper
from fastfork.config import Config
from fastfork.ipc import Scoreboard, SignalMailbox
from fastfork.net import Endpoints, Inherited, Listener, close_endpoints, settle
from fastfork.records import replace

if TYPE_CHECKING:
    from fastfork.address import Address

log = logging.getLogger("fastfork.error")

# Whoever may open the socket may stop the server.
PRIVATE: Final = Access(mode=0o600)
BACKLOG: Final = 64
WORKER: Final = "fastfork.workers.admin:AdminWorker"


class Upgrading(Protocol):
    """As much of the upgrade as concerns the sockets."""

    def inherited_sockets(self, *, admin: bool = False) -> Inherited: ...  # noqa: D102
    def shares_sockets(self) -> bool: ...  # noqa: D102


class Server(Protocol):
    """As much of the arbiter as is needed here."""

    mailbox: SignalMailbox
    scoreboard: Scoreboard

    @property
    def cfg(self) -> Config: ...  # noqa: D102
    @property
    def upgrading(self) -> Upgrading: ...  # noqa: D102
    def stop(self) -> None: ...  # noqa: D102
    def reload(self) -> None: ...  # noqa: D102
    def reopen(self) -> None: ...  # noqa: D102
    def scale(self, target: int) -> None: ...  # noqa: D102


# What the process may write -> what is done.
WISHES: Final[Mapping[str, Callable[[Server, int], None]]] = MappingProxyType(
    {
        "scale": lambda server, count: server.scale(max(count, 1)),
        "reload": lambda server, _count: server.reload(),
        "reopen": lambda server, _count: server.reopen(),
        "drain": lambda server, _count: server.stop(),
    }
)


class Admin:
    """endpoints: where it listens, in this process and in the one that answers."""

    def __init__(self) -> None:
        self.endpoints = Endpoints([], reuse_port=False)
        self._helper: Helper | None = None
        self._server: Server | None = None

    def open(self, server: Server, close_others: Callable[[Sequence[Listener]], None]) -> None:
        """Listen, if that is wanted.  Raises ConfigError.

        close_others(kept): closes, in a helper, all sockets but those.
        """
        self._server = server
        cfg, mailbox, board = server.cfg, server.mailbox, server.scoreboard
        inherited = server.upgrading.inherited_sockets(admin=True)
        self.endpoints = settle(
            [_address(text) for text in cfg.admin_bind],
            BACKLOG,
            reuse_port=False,
            socket_count=1,
            inherited=inherited,
        )
        listeners = self.endpoints.listeners()
        if not listeners:
            return
        make = worker_class(WORKER)
        slot = Scoreboard(1).slot(0)  # not on the server's: it is no worker

        def build(told: int) -> Runnable:
            return make(
                board=board,
                slot=slot,
                listeners=listeners,
                told=told,
                ring=mailbox.ring,
                close_inherited=lambda: close_others(listeners),
                server_cfg=cfg,
            )

        self._helper = Helper("admin process", build, mailbox, slot)
        log.info("Admin pages at: %s", ", ".join(str(one.address) for one in listeners))
        if importlib.util.find_spec("prometheus_client") is None:
            log.warning(
                "admin_bind: /metrics needs prometheus-client, which is not installed; type: "
                "pip install fastfork[metrics]"
            )

    def turn(self, server: Server, *, may_start: bool) -> None:
        """Keep the process alive, and do what it asks for.

        may_start: False while the old program of an upgrade answers on the same sockets.
        """
        if self._helper is None or not may_start:
            return
        for line in self._helper.messages():
            word, _, count = line.partition(" ")
            if word in WISHES:
                log.info("Asked through the admin socket: %s", line[:64])
                WISHES[word](server, int(count) if count.isdecimal() else 0)
        self._helper.keep()

    def bury(self, pid: int, status: int) -> None:
        """See Helper."""
        if self._helper is not None:
            self._helper.bury(pid, status)

    def stop(self) -> None:
        """End the process and close the sockets; their files stay for another arbiter."""
        if self._helper is not None:
            self._helper.stop()
        keep_files = self._server is not None and self._server.upgrading.shares_sockets()
        close_endpoints(self.endpoints.all, keep_files=keep_files)


def _address(text: str) -> Address:
    where = address.parse(text)
    return replace(where, access=PRIVATE) if isinstance(where, UnixAddress) else where
