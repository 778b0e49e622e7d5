"""The application that stands in for one that does not load, while it is being written.

Runs in: worker
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["app_that_tells", "page_that_tells"]

_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en">
<title>The application does not load</title>
<h1>The application does not load</h1>
<pre>{told}</pre>
<p>This page is shown because of <code>reload</code>. Save a file of the application to have it
loaded again.
</html>
"""
# What html.escape() does: a worker whose user may not read the standard library cannot import it.
_ESCAPED: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}
)


def page_that_tells(told: str) -> bytes:
    """Return the page with this text on it."""
    return _PAGE.format(told=told.translate(_ESCAPED)).encode("utf-8", "backslashreplace")


def app_that_tells(told: str) -> WSGIApplication:
    """Return an application that answers 500 to everything, with this text on the page."""
    page = page_that_tells(told)
    fields = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(page))),
        ("Cache-Control", "no-store"),
    ]

    def app(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("500 Internal Server Error", list(fields))
        return [page]

    return app
