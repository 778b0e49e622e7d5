"""Revisions: settings, listening sockets and forker that workers are made of, and the way from
one revision to the next without a gap.

A revision that is read is first *pending*, while its forkserver loads the application; a revision
without a forkserver is not.  Then it is the current one, and a *rollout* replaces the workers of
the one before; plan.py has the steps.  When a replacement does not start, the one before is
current again.  Sockets and forkservers that no revision needs any more go at the end.

Runs in: arbiter
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from fastfork import logs
from fastfork.address import Address
from fastfork.arbiter.app_directory import AppDirectory
from fastfork.arbiter.children.workers import Workers
from fastfork.arbiter.forking.forkserver import Forker
from fastfork.arbiter.ownership import give_logs
from fastfork.config import SETTINGS, Config, Loaded
from fastfork.errors import StartError
from fastfork.ipc import Order
from fastfork.net import (
    Endpoint,
    Endpoints,
    Inherited,
    Listener,
    close_endpoints,
    settle,
    stop_accepting_at,
)
from fastfork.process import boot
from fastfork.records import record, replace

log = logging.getLogger("fastfork.error")


@record(eq=False)
class Revision:
    """What a worker is made of.

    is_warm: its forkserver has been a worker.  was_reforked: a worker of it was asked to be one.
    """

    loaded: Loaded
    endpoints: Endpoints
    forker: Forker
    is_warm: bool = False
    was_reforked: bool = False

    @property
    def cfg(self) -> Config:
        """The settings."""
        return self.loaded.config


@record
class Rollout:
    """A reload under way, or several: one that another SIGHUP starts over is not complete.

    previous, target: the revision and the number of workers to go back to when a replacement
    does not boot.
    since: the first generation of workers of another revision than `previous`.
    name: what it is, for the log.
    """

    previous: Revision
    target: int
    since: int
    name: str = "Reload"


OpenForker = Callable[[Loaded], Forker]


class Revisions:
    """The current revision, those around it, and everything that is open for them.

    addresses(loaded): where to listen with these settings.
    """

    def __init__(self, first: Revision, addresses: Callable[[Loaded], list[Address]]) -> None:
        self.current = first
        self._addresses = addresses
        self.pending: Revision | None = None
        self.rollout: Rollout | None = None
        self._endpoints: list[Endpoint] = list(first.endpoints.all)
        self._forkers: list[Forker] = [first.forker]
        self._surplus: list[Listener] = []
        self._stopped: list[Endpoint] = []
        self._app_directory = AppDirectory()

    # -- the way to the next revision

    def read(self, read: Callable[[], Loaded], workers: Workers, open_forker: OpenForker) -> bool:
        """Read the settings, open what they name, and make them pending.

        Returns False, with everything as it was and a line in the log, when that fails.
        """
        try:
            loaded = without_server_settings(read(), self.current.cfg)
            # A symbolic link on the way there may lead elsewhere now.
            boot.enter(loaded.config.chdir, loaded.config.pythonpath, (), follows=True)
            endpoints = self._settle(loaded, workers.target)
            forker = self._prepare(loaded, endpoints, open_forker)
        except BaseException as error:  # whatever a config file does, we go on
            is_ours = isinstance(error, StartError)
            log.error("reload refused: %s", error if is_ours else repr(error), exc_info=not is_ours)
            return False
        if self.rollout is None and self.pending is None:
            log.info(
                "Reloading; workers are replaced %s at a time",
                "one" if loaded.config.reload_parallel == 1 else loaded.config.reload_parallel,
            )
        else:
            log.info("Reloading again; the reload under way starts over")
        for line in loaded.notices:
            log.warning("%s", line)
        self._endpoints += [
            endpoint for endpoint in endpoints.all if endpoint not in self._endpoints
        ]
        self.propose(Revision(loaded, endpoints, forker))
        return True

    def renew(self, open_forker: OpenForker) -> bool:
        """Make a revision pending that is the current one but for the application's code."""
        try:
            forker = open_forker(self.current.loaded)
        except (StartError, OSError) as error:
            log.error("The workers cannot be replaced: %s", error)
            return False
        self.propose(Revision(self.current.loaded, self.current.endpoints, forker))
        return True

    def propose(self, revision: Revision) -> None:
        """Make a revision pending; one that was is given up."""
        self._forkers.append(revision.forker)
        self.pending = revision

    def begin(self, workers: Workers) -> None:
        """Make the pending revision the current one, and every worker outdated."""
        revision, before = self.pending, self.current
        assert revision is not None
        self.pending = None
        if self.rollout is None:
            name = "Refork" if revision.is_warm else "Reload"
            self.rollout = Rollout(before, workers.target, workers.generation + 1, name)
        else:
            # It may hang in its import, and would hold up this reload and all later ones.
            workers.dismiss_loading(revision.cfg)
        self.current = revision

    def fail(self, workers: Workers, reason: str) -> None:
        """A replacement did not boot: the workers that run stay, and so do their settings."""
        name = "Reload" if self.rollout is None else self.rollout.name
        log.error("%s ended: %s; the workers that run serve on with the old settings", name, reason)
        rollout, self.rollout, self.pending = self.rollout, None, None
        if rollout is not None:
            self.current = rollout.previous
            workers.target = rollout.target
            if converted := workers.take_back(rollout.since, self.current.cfg):
                log.warning(
                    "Workers that have the new settings are replaced by some with the old ones "
                    "(pid: %s)",
                    ", ".join(str(child.pid) for child in converted),
                )
        try:
            logs.setup(self.current.cfg)
        except StartError as error:
            log.error("%s; the log stays where it is", error)

    def is_settled(self) -> bool:
        """Return whether nothing is on its way."""
        return self.rollout is None and self.pending is None

    # -- each turn

    def finish(self, workers: Workers) -> None:
        """See a rollout to its end, and close what nobody needs any more."""
        if self.rollout is not None and not workers.outdated():
            log.info("%s complete", self.rollout.name)
            self.rollout = None
        wanted = [self.current, self.pending, self.rollout.previous if self.rollout else None]
        keep = [revision.forker for revision in wanted if revision is not None]
        for forker in [one for one in self._forkers if one not in keep]:
            forker.close()
            if forker.pid is None:
                self._forkers.remove(forker)
        dropped = self._dropped()
        if self.is_settled() and not workers.has_leaving() and not workers.outdated():
            close_endpoints(dropped)
            self._endpoints = [endpoint for endpoint in self._endpoints if endpoint not in dropped]
            for listener in self._surplus:
                listener.sock.close()
            self._surplus.clear()

    def order(self, workers: Workers) -> Order:
        """Return what is asked of workers that retire now.

        When sockets are given up, whoever waits in them is theirs to serve; and when the last
        of them may go in this turn, nobody new comes in there.
        """
        dropped = self._dropped()
        if not dropped and not self._surplus:
            return Order.NONE
        if workers.outdated() <= self.current.cfg.reload_parallel:
            stop_accepting_at(endpoint for endpoint in dropped if endpoint not in self._stopped)
            self._stopped = dropped
        return Order.LAST

    def fit_socket_count(self, workers: Workers) -> None:
        """With reuse_port, have as many sockets as workers are wanted.  Raises ConfigError."""
        endpoints = self.current.endpoints
        if not endpoints.reuse_port:
            return
        if workers.target > endpoints.socket_count:
            endpoints.grow(workers.target)
        elif 0 < workers.target < endpoints.socket_count and self.rollout is None:
            self._surplus += endpoints.shrink(workers.target)
            counted = [child for child in workers.children if not child.leaving]
            if len(counted) <= workers.target:
                for child in counted:  # those beyond go anyway
                    child.is_spent = child.is_spent or child.socket_index >= workers.target
        workers.socket_count = endpoints.socket_count

    # -- everything there is

    def forkservers(self) -> list[Forker]:
        """Return every forkserver that has not been reaped."""
        return [forker for forker in self._forkers if forker.pid is not None]

    def can_fork(self) -> bool:
        """Return whether a worker can be forked now."""
        forker = self.current.forker
        return forker.is_ready and (
            forker.has_app or self._app_directory.is_there(self.current.cfg)
        )

    def needs_forkserver(self) -> bool:
        """Return whether the forkserver has died, and another one can load the application."""
        return self.current.forker.is_gone and self._app_directory.is_there(self.current.cfg)

    def needs(self, forker: Forker) -> bool:
        """Return whether workers are, or will be, forked there."""
        return any(forker is one.forker for one in (self.current, self.pending) if one)

    def watch_loading(self, boot_timeout: float) -> None:
        """End forkservers that load the application for longer than that."""
        for forker in self.forkservers():
            forker.watch_loading(boot_timeout)

    def open_forker(self, open_forker: OpenForker) -> None:
        """Have somebody who forks workers of the current revision; the one before has died."""
        self.current.forker = open_forker(self.current.loaded)
        self._forkers.append(self.current.forker)

    def close(self, *, keep_files: bool) -> None:
        """Close every socket and tell every forkserver to go.

        keep_files: the files of unix sockets stay: somebody else listens there now.
        """
        close_endpoints(self._endpoints, keep_files=keep_files)
        for listener in self._surplus:
            listener.sock.close()
        self._endpoints, self._surplus = [], []
        for forker in self._forkers:
            forker.close()

    def stop_accepting(self) -> None:
        """Let nobody new in anywhere: the whole server stops."""
        stop_accepting_at(self._endpoints)

    def all_listeners(self) -> list[Listener]:
        """Return every listening socket that is open in this process."""
        return [one for endpoint in self._endpoints for one in endpoint.listeners] + self._surplus

    # -- details

    def _settle(self, loaded: Loaded, socket_count: int) -> Endpoints:
        cfg = loaded.config
        return settle(
            self._addresses(loaded),
            cfg.backlog,
            reuse_port=cfg.reuse_port,
            socket_count=socket_count,
            # All that is open: another reload may have dropped an address just now.
            before=Endpoints(self._endpoints, reuse_port=cfg.reuse_port),
        )

    def _prepare(self, loaded: Loaded, endpoints: Endpoints, open_forker: OpenForker) -> Forker:
        """Do the rest that can fail, and return the forker; on failure close what was opened."""
        try:
            logs.setup(loaded.config)
            give_logs(loaded.config)
            return open_forker(loaded)
        except BaseException:
            close_endpoints(
                endpoint for endpoint in endpoints.all if endpoint not in self._endpoints
            )
            raise

    def _dropped(self) -> list[Endpoint]:
        kept = [revision.endpoints.all for revision in (self.current, self.pending) if revision]
        return [
            endpoint
            for endpoint in self._endpoints
            if not any(endpoint in endpoints for endpoints in kept)
        ]


def first_endpoints(
    cfg: Config, addresses: Sequence[Address], inherited: Inherited = ()
) -> Endpoints:
    """Listen at every address.  Raises ConfigError."""
    return settle(
        addresses,
        cfg.backlog,
        reuse_port=cfg.reuse_port,
        socket_count=cfg.workers,
        inherited=inherited,
    )


def without_server_settings(new: Loaded, running: Config) -> Loaded:
    """Return the loaded settings, with those that only a restart changes as they are.

    Each one that the file asks to change is named in the log.
    """
    kept: dict[str, Any] = {}
    for name, spec in SETTINGS.items():
        before, after = getattr(running, name), getattr(new.config, name)
        if spec.reload == "server" and before != after:
            kept[name] = before
            log.warning("%s changed; restart the server for it: a reload keeps %s", name, before)
    return replace(new, config=replace(new.config, **kept))
