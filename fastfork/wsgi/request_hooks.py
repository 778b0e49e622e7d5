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

from fastfork import forks
from fastfork.config.kinds.hooks import HOOKS, HookFunction, arity
from fastfork.wsgi.hooks import call

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from fastfork.config import Config

__all__ = ["EndOfResponse", "Request", "Response", "calling_pre_request"]

log = logging.getLogger("fastfork.error")

# Where the Request waits for post_request: the environ is the one thing that both have.
KEY: Final = "fastfork.request"
Headers = list[tuple[str, str]]
# What can be changed -> where it is.
_PLAIN: Final = {
    "method": "REQUEST_METHOD",
    "uri": "RAW_URI",
    "query": "QUERY_STRING",
    "scheme": "wsgi.url_scheme",
}
_UNPREFIXED: Final = ("CONTENT_TYPE", "CONTENT_LENGTH")


def _path_of(uri: str) -> str:
    target = uri.partition("?")[0]
    if target.startswith("/"):
        return target
    from urllib.parse import urlsplit  # here, as below: only for hooks that ask

    return urlsplit(target).path


def _key_of(name: str) -> str:
    key = name.upper().replace("-", "_")
    return key if key in _UNPREFIXED else f"HTTP_{key}"


def _fields_of(environ: WSGIEnvironment) -> Headers:
    named = [
        (name[5:].replace("_", "-"), value)
        for name, value in environ.items()
        if name.startswith("HTTP_") and isinstance(value, str)
    ]
    for name in _UNPREFIXED:
        if name in environ:
            named.append((name.replace("_", "-"), environ[name]))
    return named


class Request:
    """What the hooks get as `req`: gunicorn's names for what is in the environ.

    method, path (encoded, as it was sent), query, fragment, uri (the whole target), version
    (a pair of numbers), scheme, headers (upper-case names, as gunicorn's), body (a file), trailers
    (none: they are not kept), remote_addr and peer_addr ((host, port), or '' of a unix socket).
    What pre_request changes of these, the application finds in the environ (`give_back`).
    """

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.uri: str = environ["RAW_URI"]
        self.query: str = environ["QUERY_STRING"]
        self.scheme: str = environ["wsgi.url_scheme"]
        self.fragment = ""  # a target has none (RFC 9112 section 3.2)
        self.trailers: Headers = []

    @cached_property
    def remote_addr(self) -> tuple[str, int] | str:
        """The client's address and port; 0 where a trusted proxy names none."""
        host: str = self.environ.get("REMOTE_ADDR", "")
        port = self.environ.get("REMOTE_PORT", "")
        return (host, int(port) if port.isdigit() else 0) if host else ""

    @property
    def peer_addr(self) -> tuple[str, int] | str:
        """The same."""
        return self.remote_addr

    @property
    def body(self) -> Any:
        """`wsgi.input`; what a hook reads of it, the application does not find again."""
        return self.environ["wsgi.input"]

    @cached_property
    def path(self) -> str:
        """The path of the target, with its escapes."""
        return _path_of(self.uri)

    @cached_property
    def version(self) -> tuple[int, int]:
        """(1, 1) for HTTP/1.1."""
        major, _, minor = self.environ["SERVER_PROTOCOL"].partition("/")[2].partition(".")
        return int(major), int(minor)

    @cached_property
    def headers(self) -> Headers:
        """The fields, as far as the environ has them: repeated ones are joined."""
        return _fields_of(self.environ)

    def give_back(self) -> None:
        """Put what a hook has changed into the environ: gunicorn makes that after pre_request."""
        environ, changed = self.environ, vars(self)
        if self.path != _path_of(environ["RAW_URI"]):
            from urllib.parse import unquote_to_bytes

            environ["PATH_INFO"] = unquote_to_bytes(self.path).decode("latin-1")
        for name, key in _PLAIN.items():
            if changed[name] != environ[key]:
                environ[key] = changed[name]
        if "headers" in changed and self.headers != (received := _fields_of(environ)):
            for name, _ in received:
                environ.pop(_key_of(name), None)
            for name, value in self.headers:
                key = _key_of(name)
                environ[key] = f"{environ[key]},{value}" if key in environ else value


class Response:
    """What post_request gets as `resp`.

    status: the status line ("200 OK"); status_code: its number.  headers: those of the
    application.  sent: bytes of the body.  response_length: what Content-Length said, None without.
    """

    headers_sent = True

    def __init__(self, status: str, headers: Iterable[tuple[str, str]], sent: int) -> None:
        self.status = status
        self.status_code = int(status[:3])
        self.headers = list(headers)
        self.sent = sent
        lengths = [value for name, value in self.headers if name.lower() == "content-length"]
        self.response_length = int(lengths[0]) if lengths and lengths[0].isdigit() else None


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
                forks.leave_if_foreign(out_of="the hook pre_request")
                request.give_back()
            except Exception as error:
                forks.leave_if_foreign(error, out_of="the hook pre_request")
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
