"""The four loggers of the server, as applications and config files find them by name.

An application configures logging for itself, and does not know that it shares the process: with
dictConfig(), fileConfig(), logging.disable().  What such an order says of every logger is not
meant for these.  What it says of one of these by name, or of its parent, counts: a level, a
filter, a handler on `gunicorn.error` or `gunicorn.access` works as under gunicorn, and so does
one on `fastfork.error` or `fastfork.access`.

Runs in: both
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from fastfork import clock

from .guard import must_pass
from .requestid import RequestIdFilter

__all__ = ["ACCESS", "GUNICORNS", "LOGGER", "OUR_ACCESS", "SERVERS", "OurHandler", "ServerLogger"]

# What raises for each line is told of once in this many seconds.
COMPLAIN_EVERY: Final = 60.0

_WATCHED: Final = frozenset({"level", "propagate", "disabled", "handlers", "filters"})

State = tuple[object, ...]


class OurHandler(logging.Handler):
    """A handler of the server's.  logging.shutdown() and dictConfig() close every handler that
    there is; these are closed by `dispose()`, which only the server calls."""

    # Whether it calls code that is not the server's, and may wait for something.
    may_wait = False

    def close(self) -> None:
        """Stay open."""

    def dispose(self) -> None:
        """Close for good."""
        super().close()


class ServerLogger(logging.Logger):
    """A logger whose calls never raise.

    twin: the logger that has the other name for the same log, where a record has to pass both;
    the handlers of either get it.  aside: takes a call that may wait and makes it elsewhere (a
    gevent worker's), None for here and now.  changed: called when somebody has changed
    something.
    """

    twin: ServerLogger | None = None
    aside: Callable[[Callable[[logging.LogRecord], None], logging.LogRecord], object] | None = None
    changed: Callable[[], None] | None = None
    _left_by_us: State = ()
    _level_by_us = logging.NOTSET
    _foreign: tuple[object, ...] = ()
    _complained = float("-inf")

    def give(self, handlers: Sequence[logging.Handler], level: int | str) -> None:
        """Let it go to these, from this level on, besides what others have put here.

        A config file that is read again brings its handlers and filters again; those that it
        brought before, of the same kind, go.
        """
        for old in [one for one in self.handlers if isinstance(one, OurHandler)]:
            self.handlers.remove(old)
        brought = [*self.handlers, *self.filters]
        kinds = {_kind(one) for one in brought if one not in self._foreign}
        stale = [one for one in self._foreign if _kind(one) in kinds]
        foreign = [one for one in self.handlers if one not in stale]
        self.filters = [one for one in self.filters if one not in stale]
        if not any(isinstance(one, RequestIdFilter) for one in self.filters):
            self.filters.insert(0, RequestIdFilter())
        self.handlers = [*handlers, *foreign]
        self._foreign = tuple(
            one for one in (*foreign, *self.filters) if not isinstance(one, RequestIdFilter)
        )
        self.propagate = False
        self.disabled = False
        self.setLevel(level)
        self._level_by_us = self.level
        ours = [one for one in self.filters if isinstance(one, RequestIdFilter)]
        self._left_by_us = (self.level, False, False, _look(handlers), tuple(ours))

    def is_as_given(self) -> bool:
        """Return whether it and its twin are as `give` makes them, with nothing of anybody
        else's."""
        if not self._left_by_us:
            return True  # it was never given anything
        found = (
            self.level,
            self.propagate,
            self.disabled,
            _look(self.handlers),
            tuple(self.filters),
        )
        return found == self._left_by_us and (self.twin is None or self.twin.is_as_given())

    def as_it_is(self) -> dict[str, object]:
        """Return its attributes, for who brings it back to what it is now."""
        kept = dict.fromkeys(("twin", "aside", "changed"))
        lists = {"handlers": list(self.handlers), "filters": list(self.filters)}
        return {**kept, **self.__dict__, **lists, "_cache": {}}

    # -- who is told

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute; what logging.config does to every logger it does not know is left."""
        is_blanket = name == "disabled" and bool(value)
        if is_blanket and sys._getframe(1).f_globals.get("__name__") == "logging.config":
            return
        super().__setattr__(name, value)
        if name in _WATCHED:
            self._tell()

    def addFilter(self, filter: Any) -> None:  # noqa: A002, N802 - logging's
        """See logging.Logger, as the next three."""
        super().addFilter(filter)
        self._tell()

    def removeFilter(self, filter: Any) -> None:  # noqa: A002, D102, N802
        super().removeFilter(filter)
        self._tell()

    def addHandler(self, hdlr: logging.Handler) -> None:  # noqa: D102, N802
        super().addHandler(hdlr)
        self._tell()

    def removeHandler(self, hdlr: logging.Handler) -> None:  # noqa: D102, N802
        super().removeHandler(hdlr)
        self._tell()

    def _tell(self) -> None:
        if self.changed is not None:
            self.changed()

    # -- a record

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802
        """Return whether a record of this level is wanted here; logging.disable() is not asked."""
        twin = self.twin
        if self.disabled or (twin is not None and twin.disabled):
            return False
        speaks = self if twin is None or self.level != self._level_by_us else twin
        return level >= speaks.getEffectiveLevel()

    def makeRecord(  # noqa: N802
        self,
        name: str,
        level: int,
        fn: str,
        lno: int,
        msg: object,
        args: Any,
        exc_info: Any,
        func: str | None = None,
        extra: Mapping[str, object] | None = None,
        sinfo: str | None = None,
    ) -> logging.LogRecord:
        """Return a record; a plain one where the application's factory fails.  Never raises."""
        try:
            made = super().makeRecord(name, level, fn, lno, msg, args, exc_info, func, extra, sinfo)
            if isinstance(made, logging.LogRecord):
                return made
        except BaseException as error:
            if must_pass(error):
                raise
        return logging.LogRecord(name, level, fn, lno, msg, args, exc_info, func, sinfo)

    def handle(self, record: logging.LogRecord) -> None:
        """Give a record to the handlers, unless a filter keeps it.  Never raises."""
        try:
            super().handle(record)
        except BaseException as error:
            if must_pass(error):
                raise
            self._complain(error)

    def filter(self, record: logging.LogRecord) -> Any:
        """Return whether it passes the filters of both names; one that raises lets it pass."""
        passed = self._own_filters(record)
        if self.twin is None or not passed:
            return passed
        replaced = passed if isinstance(passed, logging.LogRecord) else record
        return self.twin._own_filters(replaced) and passed

    def _own_filters(self, record: logging.LogRecord) -> Any:
        try:
            return super().filter(record)
        except BaseException as error:
            if must_pass(error):
                raise
            self._complain(error)
            return True

    def callHandlers(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Give the record to the handlers of both names."""
        if self.aside is not None and self._may_wait():
            self.aside(self._call_guarded, record)
        else:
            self._call(record)

    def _may_wait(self) -> bool:
        loggers = (self,) if self.twin is None else (self, self.twin)
        return any(one.propagate for one in loggers) or not all(
            isinstance(handler, OurHandler) and not handler.may_wait
            for one in loggers
            for handler in one.handlers
        )

    def _call_guarded(self, record: logging.LogRecord) -> None:
        try:
            self._call(record)
        except BaseException as error:
            if must_pass(error):
                raise
            self._complain(error)

    def _call(self, record: logging.LogRecord) -> None:
        """Do what logging.Logger.callHandlers does, which others wrap to see every record."""
        twin = self.twin
        if twin is None:
            super().callHandlers(record)
            return
        # Who takes our handler from one name does not want lines there.
        for logger, other in ((self, twin), (twin, self)):
            logger.handlers[:] = [
                one
                for one in logger.handlers
                if one in other.handlers or not isinstance(one, OurHandler)
            ]
        if not self.handlers and not self.propagate:
            twin._call(record)
            return
        super().callHandlers(record)
        reached = _reached_from(self)
        for handler in _reached_from(twin):
            is_new = handler not in reached and not isinstance(handler, OurHandler)
            if is_new and record.levelno >= handler.level:
                handler.handle(record)

    def _complain(self, error: BaseException) -> None:
        """Say that something of the application's raised, to our own handlers alone."""
        now = clock.now()
        if now - self._complained < COMPLAIN_EVERY:
            return
        self._complained = now
        text = "A handler or filter on the logger %s raised %s (told once a minute)"
        arguments = (self.name, type(error).__name__)
        record = logging.LogRecord(LOGGER.name, logging.ERROR, "", 0, text, arguments, None)
        record.request_id = "-"
        for handler in [one for one in LOGGER.handlers if isinstance(one, OurHandler)]:
            handler.handle(record)


def _reached_from(logger: logging.Logger) -> list[logging.Handler]:
    """Return the handlers that a record of this logger comes to."""
    found = list(logger.handlers)
    while logger.propagate and logger.parent is not None:
        logger = logger.parent
        found += logger.handlers
    return found


def _look(handlers: Sequence[logging.Handler]) -> State:
    """Return what can be changed on handlers that others borrow."""
    return tuple((one, one.level, one.formatter, tuple(one.filters)) for one in handlers)


def _kind(thing: object) -> tuple[str, str]:
    """Return a name that what was made twice by the same code has twice."""
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    return named.__module__, cast("Any", named).__qualname__


def _ours(name: str) -> ServerLogger:
    """Return the logger of this name, which may have been asked for before us."""
    logger = logging.getLogger(name)
    logger.__class__ = ServerLogger
    return cast("ServerLogger", logger)


LOGGER: Final = _ours("fastfork.error")
# The name under which applications written for gunicorn ask for handlers and level.
GUNICORNS: Final = _ours("gunicorn.error")
OUR_ACCESS: Final = _ours("fastfork.access")
ACCESS: Final = _ours("gunicorn.access")
SERVERS: Final = (LOGGER, GUNICORNS, OUR_ACCESS, ACCESS)
