"""The id of a request: taken from a trusted peer or made, and known wherever something is logged.

A context variable carries it: each call of the application has a context of its own (PEP 567),
so whatever is logged in it, by anybody, is logged with the id.

Runs in: worker
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from fastfork.config import Config

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["KEY", "RequestIdFilter", "current", "giving_ids"]

KEY: Final = "fastfork.request_id"
FIELD: Final = "X-Request-Id"
_ENVIRON_FIELD: Final = "HTTP_X_REQUEST_ID"

current: Final[ContextVar[str]] = ContextVar("fastfork.request_id", default="-")

# What W3C trace ids, UUIDs, and the ids of known proxies are made of.  No quotes, no spaces, no
# comma: of two fields, joined by one, neither is taken.
_ACCEPTED: Final = r"[A-Za-z0-9._~+/=:@-]{1,128}\Z"


class RequestIdFilter(logging.Filter):
    """Sets `request_id` on each record, `-` outside of a request; lets all through.

    For a formatter of one's own: put it on a handler.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Set the attribute."""
        record.request_id = current.get()
        return True


def maker() -> Callable[[], str]:
    """Return what makes ids: 128 random bits in hexadecimal.

    A generator of its own, seeded by the system: one that the application seeds, or that was
    copied by a fork, would give the same ids twice.
    """
    import random

    bits = random.Random().getrandbits  # noqa: S311 - an id is no secret
    return lambda: f"{bits(128):032x}"


def giving_ids(app: WSGIApplication, cfg: Config) -> WSGIApplication:
    """`app`, or what gives each request its id before it calls `app`."""
    from fastfork.net.trust import TrustedPeers

    if not cfg.request_id:
        return app
    trusts = TrustedPeers(cfg.forwarded_allow_ips).trusts
    make = maker()
    is_accepted = re.compile(_ACCEPTED).match
    is_told = cfg.request_id_response

    def identified(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        given = environ.get(_ENVIRON_FIELD)
        if given is None or not is_accepted(given) or not trusts(_speaker(environ)):
            given = make()
        environ[KEY] = given
        current.set(given)
        return app(environ, _telling(start_response, given) if is_told else start_response)

    return identified


def _speaker(environ: WSGIEnvironment) -> str:
    """Return the address of whoever sent the fields: REMOTE_ADDR may be one that it has named."""
    socket = environ.get("fastfork.socket")
    address: str = environ["REMOTE_ADDR"] if socket is None else socket.speaker
    return address


def _telling(start_response: StartResponse, given: str) -> StartResponse:
    """Return a start_response that adds the field, unless the application has sent one."""

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        if isinstance(headers, list) and not any(_is_field(item) for item in headers):
            headers = [*headers, (FIELD, given)]
        return start_response(status, headers, exc_info)

    return start


def _is_field(item: object) -> bool:
    """Return whether it is the field; what is no field at all, start_response will refuse."""
    name = item[0] if isinstance(item, tuple) and item else None
    return isinstance(name, str) and name.lower() == FIELD.lower()
