"""Options that other servers have and this one has not, and what to write for each.

Somebody who comes from uvicorn, granian, waitress, uWSGI or `flask run` types what he knows; a
guess by spelling would send him astray (--port is near to --print-config).

Runs in: arbiter
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

__all__ = ["advice"]

_FACTORY: Final = "write the call instead: 'shop:create_app()'"

# Option -> what to write instead; {value} is what stood behind it.
_WITH_VALUE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "--listen": "write -b {value}",
        "--http-socket": "write -b {value}",
        "--socket": "write -b {value}, and let the proxy speak HTTP",
        "--uds": "write -b unix:{value}",
        "--unix-socket": "write -b unix:{value}",
        "--fd": "write -b fd://{value}",
        "--app-dir": "write --chdir {value}",
        "--wsgi-file": "write the module and its name, such as shop:app",
        "--app": "write {value} without it",
        "--module": "write {value} without it",
        "--processes": "write -w {value}",
        "--blocking-threads": "write --threads {value}",
        "--ssl-keyfile": "write --keyfile {value}",
        "--ssl-certfile": "write --certfile {value}",
        "--ssl-certificate": "write --certfile {value}",
        "--ssl-ca-certs": "write --ca-certs {value}",
        "--timeout-keep-alive": "write --keep-alive {value}",
        "--timeout-graceful-shutdown": "write --graceful-timeout {value}",
        "--workers-lifetime": "write --max-requests COUNT",
        "--limit-max-requests": "write --max-requests {value}",
        "--limit-max-requests-jitter": "write --max-requests-jitter {value}",
        "--limit-concurrency": "write --worker-connections {value}",
        "--lifespan": "write --asgi-lifespan {value}",
        "--loop": "write --asgi-loop {value}",
        "--ws-max-size": "write --websocket-max-message-size {value}",
        "--timeout-worker-healthcheck": "write --timeout {value}",
        "--reload-include": "write --reload-extra-file {value}",
        "--ssl-cert-reqs": "write --cert-reqs {value}",
        "--ssl-ciphers": "write --ciphers {value}",
        "--harakiri": "write --timeout {value}",
        "--static-map": "write --static-path {value}",
        "--static-path-mount": "write --static-path /static={value}",
    }
)
_ALONE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "--factory": _FACTORY,
        "--call": _FACTORY,
        "--access-log": "write --access-logfile -",
        "--no-access-log": "leave it out: there is an access log only with --access-logfile",
        "--debug": "write --reload, and --log-level debug for a talkative log",
        "--proxy-headers": "write --forwarded-allow-ips ADDRESS, the proxy's",
        "--interface": "write -k asgi for an ASGI application, and leave it out for WSGI",
        "--ws": "leave it out: there is one implementation",
        "--master": "leave it out: there always is one",
    }
)


def advice(words: Sequence[str]) -> str | None:
    """Return what to write instead of an option of another server; None for one that none has.

    words: the option, and what stands behind it, as typed.
    """
    option, value = _split(words)
    if option in ("--host", "--port"):
        return _bind(words)
    if value and option in _WITH_VALUE:
        return _WITH_VALUE[option].format(value=value)
    return _ALONE.get(option)


def _split(words: Sequence[str]) -> tuple[str, str]:
    """Return the option that `words` begin with, and its value, '' for none."""
    option, _, value = words[0].partition("=")
    if not value and len(words) > 1 and not words[1].startswith("-"):
        value = words[1]
    return option, value


def _bind(words: Sequence[str]) -> str:
    """--host and --port are one option here."""
    typed = dict(_split(words[at:]) for at in range(len(words)) if words[at].startswith("--"))
    host, port = typed.get("--host", ""), typed.get("--port", "")
    if port and not host:
        return f"write -b 127.0.0.1:{port}, or -b 0.0.0.0:{port} for all addresses"
    return f"write -b {host or 'HOST'}:{port or '8000'}"
