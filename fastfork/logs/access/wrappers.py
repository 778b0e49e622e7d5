"""Wrappers of what makes an access line: what else is to happen at the end of a response.

Each returns a LineFunction; without the setting that it is for, nobody calls it.

Runs in: worker
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from fastfork.wsgi.request_hooks import KEY, Request, Response

from ..base.guard import must_pass
from ..base.serverlogger import LOGGER
from .line import Headers, LineFunction

if TYPE_CHECKING:
    from datetime import timedelta

    from fastfork.metrics.statsd import Statsd

__all__ = ["counted", "excluding", "logged_by", "no_line"]


class AccessLogger(Protocol):
    """As much of a Logger as a request needs."""

    def access(
        self, resp: Response, req: Request, environ: dict[str, Any], request_time: timedelta
    ) -> None: ...


# What a Logger is told of a request that was refused before it was understood.
_UNKNOWN = {
    "REQUEST_METHOD": "-",
    "RAW_URI": "-",
    "SERVER_PROTOCOL": "-",
    "PATH_INFO": "-",
    "QUERY_STRING": "",
    "REMOTE_ADDR": "",
    "wsgi.url_scheme": "http",
}


def no_line(
    environ: dict[str, Any],  # noqa: ARG001 - a LineFunction
    status: str,  # noqa: ARG001
    sent: int,  # noqa: ARG001
    duration: int,  # noqa: ARG001
    headers: Headers,  # noqa: ARG001
) -> str:
    """Return no line: there is no access log, and something else is to be done."""
    return ""


def excluding(line: LineFunction, paths: Iterable[str]) -> LineFunction:
    """`line`, but '' for these paths; one that ends in `*` stands for all that begin so."""
    listed = list(paths)
    exact = frozenset(path for path in listed if not path.endswith("*"))
    begun = tuple(path[:-1] for path in listed if path.endswith("*"))

    def some(
        environ: dict[str, Any], status: str, sent: int, duration: int, headers: Headers
    ) -> str:
        path = environ.get("PATH_INFO", "")
        if type(path) is str and (path in exact or (begun and path.startswith(begun))):
            return ""
        return line(environ, status, sent, duration, headers)

    return some


def counted(line: LineFunction, statsd: Statsd) -> LineFunction:
    """`line`, and the metrics of the request."""
    count = statsd.request

    def counting(
        environ: dict[str, Any], status: str, sent: int, duration: int, headers: Headers
    ) -> str:
        count(status, duration)
        return line(environ, status, sent, duration, headers)

    return counting


def logged_by(logger: AccessLogger) -> LineFunction:
    """Hands the request to `logger.access`, which writes the line itself."""

    def logged(
        environ: dict[str, Any], status: str, sent: int, duration: int, headers: Headers
    ) -> str:
        try:
            if "REQUEST_METHOD" not in environ:
                environ = {**_UNKNOWN, **environ}
            request = environ.get(KEY) or Request(environ)
            answer = Response(status, headers, sent)
            from datetime import timedelta

            logger.access(answer, request, environ, timedelta(microseconds=duration // 1000))
        except BaseException as error:
            if must_pass(error):
                raise
            LOGGER.exception("The access() of the logger_class raised")
        return ""

    return logged
