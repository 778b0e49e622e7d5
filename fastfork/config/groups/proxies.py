"""Settings about the proxies in front.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from collections.abc import Mapping

from fastfork.records import record

from ..kinds.logs import NETWORKS
from ..kinds.proxies import (
    FIELD_NAMES,
    FORWARDED_FIELDS,
    PROXY_PROTOCOL,
    SCHEME_HEADERS,
    FieldValues,
)
from ..kinds.spec import setting

__all__ = ["ProxySettings"]


@record(frozen=True, kw_only=True)
class ProxySettings:
    """Proxies."""

    proxy_protocol: str = setting(
        "off",
        PROXY_PROTOCOL,
        "Connections begin with the PROXY protocol: off, v1, v2 or auto (either).",
        flags="--proxy-protocol",
        reload="workers",
        more="When it is on, each connection must begin with a header of that version and come "
        "from a peer in `proxy_allow_ips`; there is no guessing, so nobody can leave it out. The "
        "client's address and port become REMOTE_ADDR and REMOTE_PORT of every request of the "
        "connection; PROXY_PROTOCOL, PROXY_ADDR, PROXY_PORT and `fastfork.proxy_tlvs` are in the "
        "environ too. The header must be complete within `header_timeout`. The option without a "
        "value means `auto`, as in gunicorn.",
    )
    proxy_allow_ips: tuple[str, ...] = setting(
        ("127.0.0.1", "::1"),
        NETWORKS,
        "Peers that may send a PROXY protocol header: addresses and networks, or * for all.",
        flags="--proxy-allow-from",
        reload="workers",
        more="Anybody else gets 403 when `proxy_protocol` is on. A Unix socket is trusted.",
    )

    forwarded_allow_ips: tuple[str, ...] = setting(
        ("127.0.0.1", "::1"),
        NETWORKS,
        "Peers whose word is taken: addresses and networks, or * for all.",
        flags="--forwarded-allow-ips",
        env="FORWARDED_ALLOW_IPS",
        reload="workers",
        more="Their word is `secure_scheme_headers`, `forwarder_headers`, `forwarded_client` and "
        "the `X-Request-Id` of `request_id`. Peers on a Unix socket are always trusted. Where the "
        "PROXY protocol names a client, it is this client that must be in the list: the proxy only "
        "passes its bytes on. One that it does not name (UNKNOWN) is trusted by `*` alone. "
        "gunicorn asks for the proxy, and so believes everybody behind it.",
    )
    secure_scheme_headers: Mapping[str, str] = setting(
        FieldValues(
            {
                "X-FORWARDED-PROTOCOL": "ssl",
                "X-FORWARDED-PROTO": "https",
                "X-FORWARDED-SSL": "on",
            }
        ),
        SCHEME_HEADERS,
        "Fields of a trusted peer, and the value of each that means https.",
        reload="workers",
        more="Any other value of such a field means http. Fields that contradict each other, or "
        "one that is repeated and contradicts itself, get 400.",
    )
    forwarder_headers: tuple[str, ...] = setting(
        ("SCRIPT_NAME", "PATH_INFO"),
        FIELD_NAMES,
        "Fields with an underscore that a trusted peer may send, whatever `header_map` says.",
        flags="--forwarder-headers",
        reload="workers",
        more="`*` for all. They replace what came with dashes under the same name of the environ. "
        "SCRIPT_NAME becomes the SCRIPT_NAME of the environ, and PATH_INFO what follows it in the "
        "path; a path that does not begin with it gets 400.",
    )
    forwarded_client: tuple[str, ...] = setting(
        (),
        FORWARDED_FIELDS,
        "Fields in which a trusted peer names the client: x-forwarded-for and so on, or forwarded.",
        flags="--forwarded-client",
        reload="workers",
        more="gunicorn has nothing like it. Name only what your proxy overwrites or adds to, since "
        "the client can send all of them. `x-forwarded-for` becomes REMOTE_ADDR: the last address "
        "that is not in `forwarded_allow_ips` (with `*` the last one), REMOTE_PORT goes unless it "
        "is said too; `x-forwarded-proto` becomes `wsgi.url_scheme`; `x-forwarded-host` HTTP_HOST, "
        "SERVER_NAME and SERVER_PORT; `x-forwarded-port` SERVER_PORT. `forwarded` is RFC 7239 with "
        "its for, proto and host, and stands alone; a malformed one gets 400.",
    )
