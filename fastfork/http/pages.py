"""Error pages: small, the same for everybody, and without a byte of the request in them.

Runs in: worker
"""

from __future__ import annotations

from functools import cache
from typing import Final

# RFC 9110 section 15, and the registry of status codes.  http.HTTPStatus has them as an enum, whose
# making is slower than all else here.
REASONS: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    411: "Length Required",
    412: "Precondition Failed",
    413: "Content Too Large",
    414: "URI Too Long",
    415: "Unsupported Media Type",
    416: "Requested Range Not Satisfiable",
    417: "Expectation Failed",
    418: "I'm a Teapot",
    421: "Misdirected Request",
    422: "Unprocessable Entity",
    423: "Locked",
    424: "Failed Dependency",
    425: "Too Early",
    426: "Upgrade Required",
    428: "Precondition Required",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    451: "Unavailable For Legal Reasons",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
    506: "Variant Also Negotiates",
    507: "Insufficient Storage",
    508: "Loop Detected",
    510: "Not Extended",
    511: "Network Authentication Required",
}

PAGE: Final = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{code} {reason}</title></head>
<body><h1>{code} {reason}</h1></body>
</html>
"""


@cache
def error_page(status: int) -> tuple[str, bytes]:
    """Status line (without the version) and page of an error status, 400 to 599.

    Reasons are those of RFC 9110 section 15.  Raises ValueError for a status it lacks.
    """
    if status not in REASONS:
        raise ValueError(f"{status} is no status of an error")
    reason = REASONS[status]
    page = PAGE.format(code=status, reason=reason)
    return f"{status} {reason}", page.encode("ascii")
