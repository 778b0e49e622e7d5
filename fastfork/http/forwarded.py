"""What a trusted proxy says of the client: scheme, address, host, and where the application is.

Applied to the environ of a request from a peer in `forwarded_allow_ips`, and only when one of the
fields is there.  The compiled core notices that, see csrc/fastfork/_core/http/environ.pyx.

Runs in: worker
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

__all__ = ["Forwarded", "key_of_field", "parse_forwarded", "parse_node"]

# Codes of csrc/http1/errors.h.
SCHEME_CONFLICT: Final = -72
BAD_FORWARDED: Final = -73
NOT_BELOW_SCRIPT: Final = -74

DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_HOST = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+;=%-]+)(?::([0-9]{1,5}))?\Z"
_PORT = r"[0-9]{1,5}\Z"
_WITH_PORT = r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::([0-9]{1,5}))?\Z"
# A pair of RFC 7239 section 4 and what follows it.  An address with a port should be quoted;
# without quotes it is no less clear.
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR = (
    rf"[ \t]*(?:({_WORD})=(?:([!#$%&'*+.^_`|~0-9A-Za-z:\[\]-]+)"
    r'|"((?:[^"\\]|\\.)*)"))?[ \t]*([;,]|\Z)'
)


def key_of_field(name: str) -> str:
    """The environ key of a request field."""
    return "HTTP_" + name.upper().replace("-", "_")


@lru_cache(1024)
def parse_node(text: str) -> tuple[str, str] | None:
    """Address and port ("" when it has none) of a hop; None for what names no address.

    IPv6 may stand in brackets (RFC 7239 section 6); `unknown` and `_hidden` name nobody.
    """
    text = text.strip(" \t")
    match = re.match(_WITH_PORT, text)
    host, port = (match[1] or match[2], match[3] or "") if match else (text, "")
    if not host.isascii() or "%" in host:
        return None
    import ipaddress  # here: where no proxy says a word it is not needed

    try:
        return str(ipaddress.ip_address(host)), port
    except ValueError:
        return None


def parse_forwarded(value: str) -> list[dict[str, str]] | None:
    """The elements of a Forwarded field, the nearest proxy's last; None when it is malformed.

    Names are in lower case.  Strict, and from left to right: a quote that a client has left open
    must not swallow what the proxy wrote behind it.
    """
    elements: list[dict[str, str]] = []
    element: dict[str, str] = {}
    pair = re.compile(_PAIR)
    at = 0
    while True:
        match = pair.match(value, at)
        if match is None:
            return None
        name, token, quoted, after = match.groups()
        if name:
            text = re.sub(r"\\(.)", r"\1", quoted) if token is None else token
            if element.setdefault(name.lower(), text) is not text or not text.isprintable():
                return None
        if after != ";" and element:
            elements.append(element)
            element = {}
        if match.end() == len(value) and after == "":
            return elements
        at = match.end()


class Forwarded:
    """What is believed of trusted peers.

    trusts(address) -> bool.  walks: whether trusted hops before the peer are skipped; not when
    everybody is trusted, since then the client could name anybody.  schemes: field -> the value
    that means https.  fields: those of `forwarded_client`, in lower case.
    """

    def __init__(
        self,
        trusts: Callable[[str], bool],
        *,
        walks: bool,
        schemes: Mapping[str, str],
        fields: Iterable[str],
    ) -> None:
        self.trusts = trusts
        self._walks = walks
        self._schemes = {key_of_field(name): value for name, value in schemes.items()}
        self._fields = {key_of_field(name) for name in fields}

    @property
    def watched(self) -> frozenset[str]:
        """The environ keys that `apply` looks at."""
        return frozenset(self._schemes) | self._fields

    def apply(self, environ: dict[str, Any], is_repeated: bool, has_script: bool) -> int:
        """Change the environ; 0, or a code of csrc/http1/errors.h.

        is_repeated: one of the fields came more than once, joined with a comma by now.
        has_script: the proxy has sent SCRIPT_NAME.
        """
        scheme = self._secure_scheme(environ, is_repeated)
        if scheme is None:
            return SCHEME_CONFLICT
        if scheme:
            environ["wsgi.url_scheme"] = scheme
        if has_script and not _place_script(environ):
            return NOT_BELOW_SCRIPT
        if "HTTP_FORWARDED" in self._fields:
            return self._apply_forwarded(environ)
        if self._fields:
            self._apply_x_forwarded(environ)
        return 0

    def _secure_scheme(self, environ: Mapping[str, Any], is_repeated: bool) -> str | None:
        """ "" when no field says anything, None when two contradict each other."""
        found = ""
        for key, secure in self._schemes.items():
            value = environ.get(key)
            if value is None:
                continue
            for one in value.split(",") if is_repeated else (value,):
                scheme = "https" if one == secure else "http"
                if found and scheme != found:
                    return None
                found = scheme
        return found

    def _client(self, environ: dict[str, Any], nodes: list[str]) -> int:
        """REMOTE_ADDR from the hops, the nearest last.  How many hops back it is."""
        found, back = None, 0
        for hops, node in enumerate(reversed(nodes)):
            parsed = parse_node(node)
            if parsed is None:
                break
            found, back = parsed, hops
            if not self._walks or not self.trusts(parsed[0]):
                break
        if found is not None:
            environ["REMOTE_ADDR"] = found[0]
            if found[1]:
                environ["REMOTE_PORT"] = found[1]
            else:
                environ.pop("REMOTE_PORT", None)  # it is the proxy's
        return back

    def _apply_x_forwarded(self, environ: dict[str, Any]) -> None:
        def said(name: str) -> list[str]:
            key = f"HTTP_X_FORWARDED_{name}"
            value = environ.get(key) if key in self._fields else None
            return [] if value is None else [one.strip(" \t") for one in value.split(",")]

        back = self._client(environ, said("FOR"))
        proto, host, port = (_hop(said(name), back) for name in ("PROTO", "HOST", "PORT"))
        _set_scheme(environ, proto)
        _set_host(environ, host)
        if re.match(_PORT, port):
            environ["SERVER_PORT"] = port

    def _apply_forwarded(self, environ: dict[str, Any]) -> int:
        value = environ.get("HTTP_FORWARDED")
        elements = [] if value is None else parse_forwarded(value)
        if elements is None:
            return BAD_FORWARDED
        if elements:
            back = self._client(environ, [element.get("for", "") for element in elements])
            element = elements[-1 - back]
            _set_scheme(environ, element.get("proto", ""))
            _set_host(environ, element.get("host", ""))
        return 0


def _hop(members: list[str], back: int) -> str:
    """The member that the hop `back` from the right has written; "" when there is none."""
    return members[-1 - min(back, len(members) - 1)] if members else ""


def _set_scheme(environ: dict[str, Any], scheme: str) -> None:
    if scheme.lower() in DEFAULT_PORTS:
        environ["wsgi.url_scheme"] = scheme.lower()


def _set_host(environ: dict[str, Any], host: str) -> None:
    match = re.match(_HOST, host)
    if match:
        environ["HTTP_HOST"] = host
        environ["SERVER_NAME"] = match[1]
        environ["SERVER_PORT"] = match[2] or DEFAULT_PORTS[environ["wsgi.url_scheme"]]


def _place_script(environ: dict[str, Any]) -> bool:
    """SCRIPT_NAME as the proxy says, and PATH_INFO below it.  False when the path is elsewhere."""
    script = environ["HTTP_SCRIPT_NAME"].rstrip("/")
    path: str = environ["PATH_INFO"]
    rest = path.removeprefix(script)
    if not path.startswith(script) or (script and rest and not rest.startswith("/")):
        return False
    environ["SCRIPT_NAME"], environ["PATH_INFO"] = script, rest
    return True
