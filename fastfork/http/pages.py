"""Error pages: small, the same for everybody, and without a byte of the request in them.

Runs in: worker
"""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Final

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
    reason = {413: "Content Too Large", 414: "URI Too Long", 507: "Insufficient Storage"}.get(
        status, HTTPStatus(status).phrase
    )
    page = PAGE.format(code=status, reason=reason)
    return f"{status} {reason}", page.encode("ascii")
