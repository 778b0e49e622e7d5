"""Settings of HTTP: time limits, size limits, the parser.

Runs in: cli
"""

from __future__ import annotations

from dataclasses import dataclass

from ..kinds import DURATION, KIBI, SIZE, choice, integer
from ..spec import setting

__all__ = ["LimitSettings", "TimeSettings"]


@dataclass(frozen=True, kw_only=True)
class TimeSettings:
    """Time limits of a connection."""

    keepalive: float = setting(
        2.0,
        DURATION,
        "Close a kept-alive connection that is idle for this long (0 = after each response).",
        flags="--keep-alive",
        reload="workers",
        more="Behind a load balancer, more than its own idle time: otherwise it sends requests "
        "into connections that are just being closed.",
    )
    header_timeout: float = setting(
        10.0,
        DURATION,
        "Time for a request head, from its first byte.",
        flags="--header-timeout",
        reload="workers",
        more="Then the client gets 408.",
    )
    body_timeout: float = setting(
        30.0,
        DURATION,
        "Longest pause between two pieces of a request body.",
        flags="--body-timeout",
        reload="workers",
        more="Then the client gets 408.",
    )
    write_timeout: float = setting(
        60.0,
        DURATION,
        "Longest time in which a client takes nothing of a response.",
        flags="--write-timeout",
        reload="workers",
        more="Then the connection is reset.",
    )


@dataclass(frozen=True, kw_only=True)
class LimitSettings:
    """HTTP parser and limits."""

    http_parser: str = setting(
        "auto",
        choice("auto", "httptools", "native"),
        "Parser of request heads: auto, httptools or native.",
        flags="--http-parser",
        reload="workers",
        more="`auto` is httptools when it is installed, else native. Both accept and refuse the "
        "same requests.",
    )
    limit_request_line: int = setting(
        8190,
        SIZE,
        "Bytes of a request line at most (0 = no limit).",
        flags="--limit-request-line",
        reload="workers",
        more="A longer one gets 414. RFC 9112 section 3 asks for 8000 at least.",
    )
    limit_request_fields: int = setting(
        100,
        integer(0, 1_000_000),
        "Header fields of a request at most (0 = no limit).",
        flags="--limit-request-fields",
        reload="workers",
        more="More get 431.",
    )
    limit_request_field_size: int = setting(
        8190,
        SIZE,
        "Bytes of a header field at most (0 = no limit).",
        flags="--limit-request-field_size --limit-request-field-size",
        reload="workers",
        more="A longer one gets 431.",
    )
    limit_request_head: int = setting(
        256 * KIBI,
        SIZE,
        "Bytes of a request head at most (0 = no limit).",
        flags="--limit-request-head",
        reload="workers",
        more="A longer one gets 431.",
    )
    limit_request_body: int = setting(
        KIBI**3,
        SIZE,
        "Bytes of a request body at most (0 = no limit).",
        flags="--limit-request-body",
        reload="workers",
        more="A longer one gets 413, before it is read when its length is announced.",
    )
