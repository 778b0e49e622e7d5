"""An application below a path of its own, as the environment variable SCRIPT_NAME says.

It is for a proxy that passes /shop/cart on as it is, to an application that calls it /cart.  A
trusted proxy may say the same in a field, for one request (fastfork/http/forwarded.py); that wins.

Runs in: worker
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from fastfork.errors import ConfigError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["below", "mounted", "script_name"]

log = logging.getLogger("fastfork.error")

VARIABLE: Final = "SCRIPT_NAME"
# The operator's mistake or the proxy's, not the client's: so no 4xx, as in gunicorn.
STATUS: Final = "500 Internal Server Error"
BODY: Final = b"This server is set up for paths below another one (SCRIPT_NAME).\n"


def script_name() -> str:
    """SCRIPT_NAME of the environment as an environ has it (PEP 3333: bytes as latin-1).

    '' without one.  Raises ConfigError for what is no path.
    """
    given = os.environ.get(VARIABLE, "")
    if given and not given.startswith("/"):
        raise ConfigError(
            f"SCRIPT_NAME: {given!r} does not begin with a slash; write {'/' + given!r} "
            f"(environment variable {VARIABLE}, or raw_env)"
        )
    if not given:
        return ""
    from urllib.parse import unquote_to_bytes  # here: few servers need it

    return unquote_to_bytes(os.fsencode(given)).decode("latin-1").rstrip("/")


def below(script: str, path: str) -> str | None:
    """Return what of `path` follows `script`; None when it is not below: /shopping is not in
    /shop."""
    if not path.startswith(script):
        return None
    rest = path[len(script) :]
    return rest if not rest or rest.startswith("/") else None


def mounted(app: WSGIApplication, script: str) -> WSGIApplication:
    """`app`, or what takes `script` from PATH_INFO before it calls `app`.

    The environ template has this very object as SCRIPT_NAME: any other is the proxy's.
    """
    if not script:
        return app

    def placed(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["SCRIPT_NAME"] is script:
            path: str = environ["PATH_INFO"]
            rest = below(script, path)
            if rest is None:
                log.warning(
                    "The path %r is not below SCRIPT_NAME %r; it is answered with 500", path, script
                )
                fields = [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))]
                start_response(STATUS, fields)
                return [BODY]
            environ["PATH_INFO"] = rest
        return app(environ, start_response)

    return placed
