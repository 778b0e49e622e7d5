"""The hooks pre_request and post_request, and the objects they are given.

Nothing of this is in the way of a request unless one of the two is set: then the application is
called through `calling_pre_request`, and the end of a response goes through `EndOfResponse`.

Runs in: worker
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from fastfork.config.hooks import HOOKS, HookFunction, arity
from fastfork.wsgi.hooks import call

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from fastfork.config import Config

__all__ = ["EndOfResponse", "Request", "Response", "calling_pre_request"]

log = logging.getLogger("fastfork.error")

# Where the Request waits for post_request: the environ is the one thing that both have.
KEY: Final = "fastfork.request"
Headers = list[tuple[str, str]]


class Request:
    """What the hooks get as `req`: gunicorn's names for what is in the environ.

    method, path (encoded, as it was sent), query, fragment, uri (the whole target), version
    (a pair of numbers), scheme, headers (upper-case names, as gunicorn's), remote_addr.
    """

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.uri: str = environ["RAW_URI"]
        self.query: str = environ["QUERY_STRING"]
        self.scheme: str = environ["wsgi.url_scheme"]
        self.remote_addr: str = environ.get("REMOTE_ADDR", "")
        self.fragment = ""  # a target has none (RFC 9112 section 3.2)

    @cached_property
    def path(self) -> str:
        """The path of the target, with its escapes."""
        target = self.uri.partition("?")[0]
        return target if target.startswith("/") else urlsplit(target).path

    @cached_property
    def version(self) -> tuple[int, int]:
        """(1, 1) for HTTP/1.1."""
        major, _, minor = self.environ["SERVER_PROTOCOL"].partition("/")[2].partition(".")
        return int(major), int(minor)

    @cached_property
    def headers(self) -> Headers:
        """The fields, as far as the environ has them: repeated ones are joined."""
        named = [
            (name[5:].replace("_", "-"), value)
            for name, value in self.environ.items()
            if name.startswith("HTTP_") and isinstance(value, str)
        ]
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if name in self.environ:
                named.append((name.replace("_", "-"), self.environ[name]))
        return named


class Response:
    """What post_request gets as `resp`.

    status: the status line ("200 OK"); status_code: its number.  headers: those of the
    application.  sent: bytes of the body.
    """

    headers_sent = True

    def __init__(self, status: str, headers: Iterable[tuple[str, str]], sent: int) -> None:
        self.status = status
        self.status_code = int(status[:3])
        self.headers = list(headers)
        self.sent = sent


def calling_pre_request(app: WSGIApplication, cfg: Config, worker: object) -> WSGIApplication:
    """`app`, or what calls the hook before it when one of the two hooks is set."""
    hook = cfg.pre_request
    if hook is None and cfg.post_request is None:
        return app

    def called(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = environ[KEY] = Request(environ)
        if hook is not None:
            try:
                hook(worker, request)
            except Exception:
                # Its traceback is logged by whoever answers with 500.
                log.error("The hook pre_request raised; the request is answered with 500")
                raise
        return app(environ, start_response)

    return called


class EndOfResponse:
    """Stands where an access log line is made, which is the end of a response, for post_request.

    line: what makes the line, or None when there is no access log.
    """

    def __init__(
        self, cfg: Config, worker: object, line: Callable[..., str] | None, leaving: Any
    ) -> None:
        assert cfg.post_request is not None
        self._cfg = cfg
        self._worker = worker
        self._line = line
        self._leaving = leaving
        hook: HookFunction = cfg.post_request
        self._count = arity(hook, HOOKS["post_request"]) or len(HOOKS["post_request"].arguments)

    def __call__(
        self, environ: dict[str, Any], status: str, sent: int, duration: int, headers: Headers
    ) -> str:
        """Call the hook; returns the access log line, '' without one."""
        made = self._line
        text = "" if made is None else made(environ, status, sent, duration, headers)
        request = environ.get(KEY)
        if request is not None:
            arguments = (self._worker, request, environ, Response(status, headers, sent))
            call(self._cfg, "post_request", *arguments[: self._count], passes=self._leaving)
        return text
