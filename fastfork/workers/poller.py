"""Waiting for descriptors: epoll, or whatever `selectors` has where there is no epoll.

Another thread, another loop, may wait until there is something to report: for the descriptor of
epoll's or of kqueue's set.

Masks are epoll's numbers everywhere: 1 readable, 4 writable.

Runs in: worker
"""

from __future__ import annotations

import errno
import select
import selectors
from typing import Protocol

from fastfork import unpatched

READABLE = 1
WRITABLE = 4
EPOLLEXCLUSIVE = getattr(select, "EPOLLEXCLUSIVE", 0)


class Poller(Protocol):
    """What a worker asks of its poller.  Readiness is level-triggered.

    keeps_closed: whether a closed descriptor must be unregistered by hand.
    is_waitable: whether `fileno()` is readable when there is something to report.
    """

    keeps_closed: bool
    is_waitable: bool

    def fileno(self) -> int:
        """The descriptor of the set itself."""

    def register(self, fd: int, mask: int) -> None:
        """Begin to watch `fd` for `mask`."""

    def register_listener(self, fd: int) -> None:
        """Begin to watch a listening socket that other processes watch too."""

    def modify(self, fd: int, mask: int) -> None:
        """Watch `fd` for `mask` from now on; 0 = for its end only."""

    def unregister(self, fd: int) -> None:
        """Forget `fd`."""

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        """Wait, at most `timeout` seconds: [(descriptor, mask), ...]."""

    def close(self) -> None:
        """Give back the poller's own descriptor."""


class EpollPoller:
    """epoll(7).  Closing a descriptor takes it out of the set."""

    keeps_closed = False
    is_waitable = True

    def __init__(self) -> None:
        self._epoll = unpatched.make_epoll()
        # Bound methods of C, not methods of ours: one Python frame less each time.
        self.register = self._epoll.register
        self.modify = self._epoll.modify
        self.unregister = self._epoll.unregister
        self.poll = self._epoll.poll
        self.close = self._epoll.close
        self.fileno = self._epoll.fileno

    def register_listener(self, fd: int) -> None:
        """Wake one of the workers that share a listener, not all (epoll_ctl(2))."""
        self._epoll.register(fd, READABLE | EPOLLEXCLUSIVE)


class SelectorsPoller:
    """The same on a class of `selectors`: kqueue, poll, select."""

    keeps_closed = True

    def __init__(self) -> None:
        self._selector = unpatched.selector_class()()
        self.is_waitable = hasattr(self._selector, "fileno")
        self._idle: set[int] = set()  # watched for nothing, which selectors cannot express

    def fileno(self) -> int:
        """See Poller."""
        return int(self._selector.fileno())  # type: ignore[attr-defined]

    def register(self, fd: int, mask: int) -> None:
        """See Poller."""
        if fd in self._selector.get_map():
            self._selector.unregister(fd)  # of a descriptor that was closed meanwhile
        self._idle.discard(fd)
        if mask == 0:
            self._idle.add(fd)
        else:
            self._selector.register(fd, _to_events(mask))

    def register_listener(self, fd: int) -> None:
        """See Poller."""
        self.register(fd, READABLE)

    def modify(self, fd: int, mask: int) -> None:
        """See Poller."""
        if mask == 0:
            self.unregister(fd)
            self._idle.add(fd)
        elif fd in self._idle:
            self.register(fd, mask)
        elif fd in self._selector.get_map():
            self._selector.modify(fd, _to_events(mask))
        else:
            raise FileNotFoundError(errno.ENOENT, f"descriptor {fd} is not watched")

    def unregister(self, fd: int) -> None:
        """See Poller."""
        if fd in self._idle:
            self._idle.discard(fd)
        elif fd in self._selector.get_map():
            self._selector.unregister(fd)
        else:
            raise FileNotFoundError(errno.ENOENT, f"descriptor {fd} is not watched")

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        """See Poller."""
        return [(key.fd, _to_mask(events)) for key, events in self._selector.select(timeout)]

    def close(self) -> None:
        """See Poller."""
        self._selector.close()


def _to_events(mask: int) -> int:
    return (selectors.EVENT_READ if mask & READABLE else 0) | (
        selectors.EVENT_WRITE if mask & WRITABLE else 0
    )


def _to_mask(events: int) -> int:
    return (READABLE if events & selectors.EVENT_READ else 0) | (
        WRITABLE if events & selectors.EVENT_WRITE else 0
    )


def make_poller() -> Poller:
    """The best there is on this system."""
    return EpollPoller() if unpatched.has_epoll() else SelectorsPoller()
