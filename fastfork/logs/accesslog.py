"""The access log: lines, from a compiled function or a Logger, written in batches.

A line is made by the compiled function as long as nobody has put anything of their own on the
loggers `gunicorn.access` and `fastfork.access`.  Where somebody has (a filter, a handler, a level),
each line goes through Python's logging, as under gunicorn, with its atoms as `record.args`.

Runs in: worker
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastfork import metrics
from fastfork.config import Config
from fastfork.config.kinds import logformat

from . import destination
from .access import wrappers
from .access.handler import AccessHandler, Losses
from .access.line import LineFunction, compile_line
from .base.serverlogger import ACCESS

if TYPE_CHECKING:
    from .base.syslog import SyslogLines

__all__ = ["AccessLog"]


class AccessLog:
    """Where access lines go, and how one is made.

    enabled: whether anything is to be done at the end of a request.  line: makes a line,
    without a line end, from (environ, status, bytes of body sent, duration in nanoseconds,
    response headers); '' when there is none for this request, or it is written already.
    line_waits: making one calls code of the application's.  Raises ConfigError when the file
    cannot be opened.
    """

    def __init__(self, cfg: Config) -> None:
        self._cfg = cfg
        self._custom = destination.current() if destination.is_custom(cfg) else None
        is_written = cfg.accesslog is not None and self._custom is None
        self._syslog: SyslogLines | None = None
        if cfg.syslog and not cfg.disable_redirect_access_to_syslog and self._custom is None:
            from .base.syslog import (
                SyslogLines,  # here, and in destination.py: most servers have none
            )

            self._syslog = SyslogLines(cfg)
        self._lost_in_syslog = Losses("in the system log")
        self._handler: AccessHandler | None = None
        self._is_lent = False  # the handler is that of the loggers
        if is_written and cfg.accesslog is not None:
            lent = destination.access_handler(cfg.accesslog)
            self._handler = lent or AccessHandler(cfg.accesslog)
            self._is_lent = lent is not None
        self._is_made = is_written or self._syslog is not None
        is_logged = self._custom is not None and self._custom.access_log_enabled
        self.enabled = self._is_made or is_logged or metrics.current() is not None
        self.look_again()

    def look_again(self) -> None:
        """Choose how lines are made, by what is on the loggers now."""
        cfg, statsd = self._cfg, metrics.current()
        self.line: LineFunction = wrappers.no_line
        self.line_waits = self._custom is not None or not self._is_ours()
        if self._custom is not None and self._custom.access_log_enabled:
            self.line = wrappers.logged_by(self._custom)
        elif self._is_made and self.line_waits:
            self.line = wrappers.logged_by(destination.current())
        elif self._is_made:
            text = logformat.in_use(
                cfg.access_log_format, is_json=cfg.log_format == "json", has_ids=cfg.request_id
            )
            self.line = compile_line(text)
        if cfg.access_log_exclude:
            self.line = wrappers.excluding(self.line, cfg.access_log_exclude)
        if statsd is not None:
            self.line = wrappers.counted(self.line, statsd)

    def has_changed(self) -> bool:
        """Return whether somebody has put something on the loggers since, or taken it away."""
        return self._custom is None and self.line_waits == self._is_ours()

    def _is_ours(self) -> bool:
        """Return whether nobody else has a say in what becomes of a line."""
        return (self._handler is not None and not self._is_lent) or ACCESS.is_as_given()

    def write(self, made: list[str]) -> None:
        """Write the lines to where they go, and send the metrics of their requests.

        Never raises.
        """
        metrics.flush()
        if "" in made:
            made = [line for line in made if line]
        if not made:
            return
        if self._handler is not None:
            self._handler.put("\n".join(made) + "\n")
        if self._syslog is not None and (lost := self._syslog.write(made)):
            self._lost_in_syslog.add(lost, "the system log takes no more")

    def reopen(self) -> None:
        """Open the file again after it was moved away; the old one stays if that fails."""
        if self._handler is not None:
            self._handler.reopen()

    def close(self) -> None:
        """Close the file, unless it is that of the loggers."""
        if self._handler is not None and not self._is_lent:
            self._handler.dispose()
