"""The page for people: charts, what fails, what is slow, workers, ends.

One request has all of it, and no script is needed.

The script only asks for the middle of the page again, every two seconds.

Runs in: worker (in the process of `admin_bind`)
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any, Final

import fastfork
from fastfork.ipc.recent_exits import RecentExit
from fastfork.metrics.admin.chart import Line, amount, chart, seconds
from fastfork.metrics.admin.history import Point
from fastfork.metrics.reading import SLOWEST, Failing, Reading, Running, WorkerFacts

__all__ = ["POLICY", "main", "whole"]

# Rows of a table.
FAILING: Final = 15
ENDED: Final = 20

STYLE: Final = """
:root{color-scheme:light dark;--a:#0a7ea4;--b:#c2410c;--c:#7c7c85;--line:#8884}
body{font:15px/1.45 system-ui,sans-serif;margin:0 auto;max-width:78rem;padding:1rem}
h1{font-size:1.3rem;margin:0}h2{font-size:1rem;margin:1.4rem 0 0}
p{margin:0 0 .3rem;color:var(--c);font-size:13px}nav{margin-left:auto}a{color:var(--a)}
nav a{margin-left:1rem}code{font-size:13px}
header{display:flex;gap:1rem;align-items:baseline;flex-wrap:wrap}
.facts{display:flex;gap:.4rem 1.6rem;flex-wrap:wrap;margin:.6rem 0}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.25rem .7rem .25rem 0;border-bottom:1px solid var(--line);
vertical-align:top;white-space:nowrap}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
td.w{white-space:normal;font-family:ui-monospace,monospace;font-size:13px;overflow-wrap:anywhere}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(22rem,1fr));gap:1rem}
.halves{display:grid;gap:0 2rem;
grid-template-columns:repeat(auto-fit,minmax(min(34rem,100%),1fr))}.halves td.w{width:100%}
figure{margin:0}svg{width:100%;height:auto;display:block}svg text{font-size:15px;fill:var(--c)}
polyline{fill:none;stroke-width:1.6;stroke-linejoin:round}.grid{stroke:var(--line)}
polyline.a{stroke:var(--a)}polyline.b{stroke:var(--b)}polyline.c{stroke:var(--c)}
.key{margin-left:.8rem}.key.a{color:var(--a)}.key.b{color:var(--b)}.key.c{color:var(--c)}
.bad{color:var(--b);font-weight:600}.none{color:var(--c)}#live{color:var(--c)}
"""

SCRIPT: Final = """
const main = document.querySelector("main"), live = document.querySelector("#live");
let heard = Date.now(), asking = false;
async function renew() {
  if (asking || document.hidden) return;
  asking = true;
  try {
    const answer = await fetch("/?part=main", {cache: "no-store",
                                               signal: AbortSignal.timeout(5000)});
    if (!answer.ok) throw new Error(answer.status);
    main.innerHTML = await answer.text();
    heard = Date.now();
    live.textContent = "live";
    document.body.dataset.live = "yes";
  } catch (error) {
    live.textContent = "no answer for " + Math.round((Date.now() - heard) / 1000) + " s";
    document.body.dataset.live = "no";
  } finally { asking = false; }
}
setInterval(renew, 2000);
renew();
"""


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


# Nothing from elsewhere, and no script and no style but ours.
POLICY: Final = (
    f"default-src 'none'; script-src '{_digest(SCRIPT)}'; style-src '{_digest(STYLE)}'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def whole(name: str, part: str, *, with_metrics: bool) -> str:
    """Return the page around its middle.  name: of the server.  with_metrics: /metrics answers."""
    metrics = '<a href="/metrics" title="for Prometheus">/metrics</a>'
    if not with_metrics:
        metrics = "<span>/metrics needs: <code>pip install 'fastfork[metrics]'</code></span>"
    title = escape(f"{name} - fastfork" if name else "fastfork")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<noscript><meta http-equiv="refresh" content="5"></noscript>'
        f"<title>{title}</title><style>{STYLE}</style></head><body>"
        f'<header><h1>{title}</h1><span class="none">{escape(fastfork.__version__)}</span>'
        '<span id="live">as of the time it was loaded</span>'
        f'<nav>{metrics}<a href="/status.json" title="these facts for programs">/status.json</a>'
        "</nav></header>"
        f"<main>{part}</main><script>{SCRIPT}</script></body></html>\n"
    )


def main(reading: Reading, points: Sequence[Point], lately: Point | None) -> str:
    """Return the middle of the page.  points: for the charts.  lately: the last seconds."""
    return (
        _facts(reading, lately)
        + '<div class="charts">'
        + "".join(_charts(points))
        + '</div><div class="halves">'
        + _part(
            "Failing URLs",
            f"answered with 5xx, or cut before the end; the {FAILING} that failed last, with the "
            "count since the server was started",
            _table(FAILING_COLUMNS, reading.failing[:FAILING]),
        )
        + _part(
            "Slowest running requests",
            f"in the application now; the {SLOWEST} that have been there longest",
            _table(SLOW_COLUMNS, reading.slowest[:SLOWEST]),
        )
        + "</div>"
        + _part(
            "Workers",
            "the processes that run the application; a number outlives its pid",
            _table(WORKER_COLUMNS, reading.workers),
        )
        + _part(
            "Workers that have ended",
            f"the last {ENDED}, why, and what they were serving",
            _table(END_COLUMNS, reading.ends[:ENDED]),
        )
    )


def _part(title: str, about: str, content: str) -> str:
    return f"<section><h2>{title}</h2><p>{about}</p>{content}</section>"


def _facts(reading: Reading, lately: Point | None) -> str:
    ready = sum(worker.serves for worker in reading.workers)
    state = reading.state.name.lower()
    facts = [
        ("state", f'<b id="state" class="{"" if reading.is_ready else "bad"}">{state}</b>'),
        ("workers", f"{ready} of {reading.wanted}"),
        ("requests", amount(sum(reading.answers))),
        ("failures (5xx)", amount(reading.answers[5])),
        ("refused", amount(reading.refused)),
        ("waiting to be accepted", f"{reading.waiting} of {reading.waiting_most}"),
        ("started", _moment(reading.started)),
    ]
    if lately is not None:
        facts.insert(2, ("now", f"{amount(lately.rate)} a second, p99 {seconds(lately.slow)}"))
    return '<div class="facts">' + "".join(f"<span>{k}: {v}</span>" for k, v in facts) + "</div>"


def _charts(points: Sequence[Point]) -> Iterable[str]:
    def line(name: str, style: str, value: Callable[[Point], float]) -> Line:
        return Line(name, style, [(point.at, value(point)) for point in points])

    yield chart(
        "Answers a second",
        "all of them, and those with status 5xx",
        [line("all", "a", lambda p: p.rate), line("5xx", "b", lambda p: p.failures)],
        amount,
    )
    yield chart(
        "Duration",
        "from request to end of answer; p99: 1 in 100 is slower",
        [line("median", "a", lambda p: p.median), line("p99", "b", lambda p: p.slow)],
        seconds,
    )
    yield chart(
        "Application threads",
        "busy: at a request; when all are, the next one waits",
        [line("busy", "a", lambda p: p.busy), line("all", "c", lambda p: p.threads)],
        amount,
    )


# (heading, class, cell as HTML)
Column = tuple[str, str, Callable[..., str]]
# What a heading means, where one word does not say it: shown under the pointer.
MEANINGS: Final = {
    "failures": "answers to this URL that failed, of all workers",
    "last status": "cut: the answer broke off, or the client left before it began",
    "busy": "threads that are at a request, of those that can be",
    "in flight": "requests that were taken up and are not answered in full",
    "connections": "of clients, those included that wait for their next request",
    "idle": "connections that wait for their next request",
    "requests": "taken up by this process",
    "memory": "resident; what workers share counts for each of them",
    "loop lag": "the longest that its asyncio loop was held in the last second, by one callback or "
    "several",
    "silent": "since the worker's loop turned last; at `timeout` it is killed",
    "had served for": "from ready to its end",
}


def _status(one: Failing) -> str:
    return f'<b class="bad">{one.status or "cut"}</b>'


FAILING_COLUMNS: Final[tuple[Column, ...]] = (
    ("URL", "w", lambda one: escape(one.line)),
    ("failures", "n", lambda one: f"{one.count:,}"),
    ("last status", "n", _status),
    ("last failure", "n", lambda one: _moment(one.at)),
)


def _at_it(pair: tuple[Running, WorkerFacts]) -> str:
    return f"{pair[1].nr} ({pair[1].pid})"


SLOW_COLUMNS: Final[tuple[Column, ...]] = (
    ("request", "w", lambda pair: escape(pair[0].line)),
    ("for", "n", lambda pair: seconds(pair[0].seconds)),
    ("worker (pid)", "n", _at_it),
)


def _serving(worker: WorkerFacts) -> str:
    shown = worker.running[:8]
    lines = [f"{escape(running.line)} - {seconds(running.seconds)}" for running in shown]
    more = len(worker.running) - len(shown)
    return "<br>".join([*lines, f"and {more} more"] if more > 0 else lines)


WORKER_COLUMNS: Final[tuple[Column, ...]] = (
    ("worker", "n", lambda w: str(w.nr)),
    ("pid", "n", lambda w: str(w.pid)),
    ("state", "", lambda w: w.state.name.lower()),
    ("busy", "n", lambda w: f"{w.busy}/{w.threads}"),
    ("in flight", "n", lambda w: str(w.in_flight)),
    ("connections", "n", lambda w: str(w.connections)),
    ("idle", "n", lambda w: str(w.idle)),
    ("requests", "n", lambda w: f"{w.begun:,}"),
    ("memory", "n", lambda w: f"{w.memory / 2**20:.1f} MiB" if w.memory else "-"),
    ("loop lag", "n", lambda w: "-" if w.lag is None else seconds(w.lag)),
    ("silent", "n", lambda w: f"{w.silent:.1f} s"),
    ("serves, and for how long", "w", _serving),
)


def _how(end: RecentExit) -> str:
    return f"signal {-end.code}" if end.code < 0 else f"exit code {end.code}"


END_COLUMNS: Final[tuple[Column, ...]] = (
    ("when", "", lambda e: _moment(e.at)),
    ("worker", "n", lambda e: str(e.nr)),
    ("pid", "n", lambda e: str(e.pid)),
    ("reason", "", lambda e: e.reason.name.lower()),
    ("how", "", _how),
    ("had served for", "n", lambda e: seconds(e.lived / 1000)),
    ("while serving", "w", lambda e: escape(e.line.partition("?")[0])),
)


def _table(columns: Sequence[Column], rows: Sequence[Any]) -> str:
    if not rows:
        return '<p class="none">none</p>'
    head = "".join(_heading(name, style) for name, style, _cell in columns)
    body = "".join(
        "<tr>" + "".join(f'<td class="{s}">{cell(row)}</td>' for _n, s, cell in columns) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _heading(name: str, style: str) -> str:
    meaning = MEANINGS.get(name)
    title = f' title="{escape(meaning, quote=True)}"' if meaning else ""
    return f'<th class="{style}"{title}>{name}</th>'


def _moment(at: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
