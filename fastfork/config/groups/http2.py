"""Settings of HTTP/2.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from fastfork.records import record

from ..kinds.basic import KIBI, integer
from ..kinds.http2 import CLEARTEXT, HTTP_PROTOCOLS
from ..kinds.spec import setting

__all__ = ["Http2Settings"]


@record(frozen=True, kw_only=True)
class Http2Settings:
    """HTTP/2."""

    http_protocols: tuple[str, ...] = setting(
        ("h1",),
        HTTP_PROTOCOLS,
        "What is spoken, in the order of preference: h1 (HTTP/1.1), h2 (HTTP/2).",
        flags="--http-protocols",
        reload="workers",
        more="With `certfile` client and server agree on one of them in the handshake (ALPN). Who "
        "does not ask for one speaks HTTP/1.1. Without TLS see `http2_cleartext`.",
    )
    http2_cleartext: str = setting(
        "off",
        CLEARTEXT,
        "HTTP/2 without TLS: off or prior-knowledge.",
        flags="--http2-cleartext",
        reload="workers",
        more="With `prior-knowledge` a client that begins with HTTP/2 gets it, beside others that "
        "speak HTTP/1.1 on the same address. It must be one of `forwarded_allow_ips`, or come by a "
        "Unix socket. `h2` must be among `http_protocols`.",
    )
    http2_max_concurrent_streams: int = setting(
        100,
        integer(1, 1_000_000),
        "Requests of one HTTP/2 connection at a time.",
        flags="--http2-max-concurrent-streams",
        reload="workers",
        more="One that is reset while the application runs counts until that has ended. More are "
        "refused in a way that clients repeat (REFUSED_STREAM).",
    )
    http2_initial_window_size: int = setting(
        256 * KIBI,
        integer(65535, 2**31 - 1),
        "Bytes of a request body that may be on their way.",
        flags="--http2-initial-window-size",
        reload="workers",
        more="All streams of a connection together have four times as much.",
    )
    http2_max_frame_size: int = setting(
        16 * KIBI,
        integer(16 * KIBI, 2**24 - 1),
        "Bytes of an HTTP/2 frame that a client sends.",
        flags="--http2-max-frame-size",
        reload="workers",
    )
    http2_max_header_list_size: int = setting(
        64 * KIBI,
        integer(0, 2**31 - 1),
        "Size of the header fields of a request over HTTP/2 (0 = no limit of its own).",
        flags="--http2-max-header-list-size",
        reload="workers",
        more="Each field counts as its bytes and 32 more (RFC 9113 section 10.5.1). Larger ones "
        "get 431; `limit_request_fields` and the other limits of HTTP/1.1 apply too.",
    )
