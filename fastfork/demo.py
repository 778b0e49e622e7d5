"""The application that `fastfork fastfork.demo:app` serves: shows that everything works.

Runs in: worker
"""

from __future__ import annotations

import html
import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from fastfork import __version__

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

__all__ = ["app"]

# /slow holds the worker; more than this would look like a hang.
LONGEST_SLEEP_SECONDS = 20.0
LARGEST_ECHO_BYTES = 16 * 1024 * 1024
STREAM_LINES = 10

_STYLE: Final = """\
:root { color-scheme: light dark; --line: #8884; --mark: #0a7d4f; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; margin: 0; } h1 b { color: var(--mark); }
h2 { font-size: 1.05rem; margin: 2.2rem 0 .5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0;
  border-bottom: 1px solid var(--line); font-size: .9rem; }
th { font-weight: 600; white-space: nowrap; } td { overflow-wrap: anywhere; }
code { font-family: ui-monospace, monospace; font-size: .9em; }
"""

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>fastfork works</title>
<style>
{style}</style>
</head>
<body>
<h1>fastfork <b>works</b></h1>
<p>This is the demo application. Serve your own with <code>fastfork module:app</code>.</p>
<h2>Server</h2>
{facts}
<h2>Try</h2>
<p><a href="/hello">/hello</a> answers with text.<br>
<code>curl -d text {base}/echo</code> sends the body back.<br>
<a href="/slow?s=0.5">/slow?s=0.5</a> takes half a second.<br>
<a href="/stream">/stream</a> sends line after line.</p>
<h2>This request's environ</h2>
{environ}
</body>
</html>
"""

Answer = tuple[str, list[tuple[str, str]], Iterable[bytes]]
TEXT: Final = "text/plain; charset=utf-8"


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request (PEP 3333)."""
    view = VIEWS.get(environ.get("PATH_INFO", "/") or "/", _not_found)
    status, headers, body = view(environ)
    start_response(status, headers)
    return body


def _plain(text: str, status: str = "200 OK", kind: str = TEXT) -> Answer:
    body = text.encode("utf-8")
    return status, [("Content-Type", kind), ("Content-Length", str(len(body)))], [body]


def _home(environ: WSGIEnvironment) -> Answer:
    facts = {
        "Server": f"fastfork {__version__}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "System": f"{platform.system()} {platform.release()}",
        "Worker": f"process {os.getpid()}, child of {os.getppid()}",
    }
    base = f"http://{environ.get('HTTP_HOST', '127.0.0.1:8000')}"
    page = _PAGE.format(
        style=_STYLE,
        facts=_table(facts.items()),
        base=html.escape(base),
        environ=_table(sorted(environ.items())),
    )
    return _plain(page, kind="text/html; charset=utf-8")


def _table(rows: Iterable[tuple[str, Any]]) -> str:
    """Rows of name and value, escaped; values from the network are latin-1 text (PEP 3333)."""
    cells = (
        f"<tr><th>{html.escape(str(name))}</th><td>{html.escape(_shown(value))}</td></tr>"
        for name, value in rows
    )
    return "<table>\n" + "\n".join(cells) + "\n</table>"


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    # Surrogates cannot be encoded; no request brings them, the process environment may.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _hello(_environ: WSGIEnvironment) -> Answer:
    return _plain("Hello, world!\n")


def _echo(environ: WSGIEnvironment) -> Answer:
    body = environ["wsgi.input"].read(LARGEST_ECHO_BYTES + 1)
    if len(body) > LARGEST_ECHO_BYTES:
        return _plain("At most 16 MiB are sent back.\n", "413 Content Too Large")
    kind = environ.get("CONTENT_TYPE") or "application/octet-stream"
    # The sender's own markup must not run in a browser under our name.
    headers = [
        ("Content-Type", kind),
        ("Content-Length", str(len(body))),
        ("Content-Disposition", "attachment"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return "200 OK", headers, [body]


def _slow(environ: WSGIEnvironment) -> Answer:
    asked = parse_qs(environ.get("QUERY_STRING", "")).get("s", ["0.5"])[0]
    try:
        seconds = float(asked)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= LONGEST_SLEEP_SECONDS:
        return _plain(f"s is 0 to {LONGEST_SLEEP_SECONDS:g} seconds.\n", "400 Bad Request")
    time.sleep(seconds)
    return _plain(f"That took {seconds:g} s.\n")


def _stream(_environ: WSGIEnvironment) -> Answer:
    return "200 OK", [("Content-Type", TEXT)], _lines()


def _lines() -> Iterator[bytes]:
    for number in range(1, STREAM_LINES + 1):
        yield f"line {number} of {STREAM_LINES}\n".encode()


def _not_found(_environ: WSGIEnvironment) -> Answer:
    return _plain("There is nothing here.\n", "404 Not Found")


VIEWS: Final[dict[str, Callable[[Any], Answer]]] = {
    "/": _home,
    "/hello": _hello,
    "/echo": _echo,
    "/slow": _slow,
    "/stream": _stream,
}
